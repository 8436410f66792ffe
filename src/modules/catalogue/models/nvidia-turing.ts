/** Turing (2018). The TU116 and TU117 chips have no tensor cores. Read by `readTable`. */
export const nvidiaTuring = `
id                                 | name                                            | family       | SM | GB/s | W   | PCIe | PCI ids                                        | features    | also called
nvidia-titan-rtx-24gb              | NVIDIA TITAN RTX                                | turing       | 72 | 672  | 280 | 3x16 | 1e02                                           | nvlink      |
nvidia-rtx-2080-ti-11gb            | NVIDIA GeForce RTX 2080 Ti                      | turing       | 68 | 616  | 250 | 3x16 | 1e04, 1e07                                     | nvlink      |
nvidia-rtx-2080-super-8gb          | NVIDIA GeForce RTX 2080 SUPER                   | turing       | 48 | 496  | 250 | 3x16 | 1e81                                           | nvlink      |
nvidia-rtx-2080-8gb                | NVIDIA GeForce RTX 2080                         | turing       | 46 | 448  | 215 | 3x16 | 1e82, 1e87                                     | nvlink      |
nvidia-rtx-2070-super-8gb          | NVIDIA GeForce RTX 2070 SUPER                   | turing       | 40 | 448  | 215 | 3x16 | 1e84, 1ec2, 1ec7                               | nvlink      |
nvidia-rtx-2070-8gb                | NVIDIA GeForce RTX 2070                         | turing       | 36 | 448  | 175 | 3x16 | 1f02, 1f07                                     |             |
nvidia-rtx-2060-super-8gb          | NVIDIA GeForce RTX 2060 SUPER                   | turing       | 34 | 448  | 175 | 3x16 | 1f06, 1f42, 1f47                               |             |
nvidia-rtx-2060-12gb               | NVIDIA GeForce RTX 2060                         | turing       | 34 | 336  | 185 | 3x16 | 1f03                                           |             |
nvidia-rtx-2060-6gb                | NVIDIA GeForce RTX 2060                         | turing       | 30 | 336  | 160 | 3x16 | 1f08, 1e89                                     |             |
nvidia-rtx-2080-super-laptop-8gb   | NVIDIA GeForce RTX 2080 Super with Max-Q Design | turing       | 48 | -    | -   | 3x16 | 1e93, 1ed3                                     |             | GeForce RTX 2080 Super Mobile
nvidia-rtx-2080-laptop-8gb         | NVIDIA GeForce RTX 2080 with Max-Q Design       | turing       | 46 | -    | -   | 3x16 | 1e90, 1ed0                                     |             | GeForce RTX 2080 Mobile
nvidia-rtx-2070-super-laptop-8gb   | NVIDIA GeForce RTX 2070 Super with Max-Q Design | turing       | 40 | -    | -   | 3x16 | 1e91, 1ed1                                     |             | GeForce RTX 2070 Super Mobile
nvidia-rtx-2070-laptop-8gb         | NVIDIA GeForce RTX 2070 with Max-Q Design       | turing       | 36 | -    | -   | 3x16 | 1f10, 1f14, 1f50, 1f54                         |             | GeForce RTX 2070 Mobile
nvidia-rtx-2060-laptop-6gb         | NVIDIA GeForce RTX 2060 with Max-Q Design       | turing       | 30 | -    | -   | 3x16 | 1f11, 1f12, 1f15, 1f51, 1f55                   |             | GeForce RTX 2060 Mobile
nvidia-cmp-50hx-10gb               | NVIDIA CMP 50HX                                 | turing       | 56 | 560  | 250 | 1x4  | 1e09                                           |             |
nvidia-cmp-40hx-8gb                | NVIDIA CMP 40HX                                 | turing       | 36 | 448  | 185 | 1x4  | 1f0b                                           |             |
nvidia-gtx-1660-ti-6gb             | NVIDIA GeForce GTX 1660 Ti                      | turing-tu116 | 24 | 288  | 120 | 3x16 | 2182                                           |             |
nvidia-gtx-1660-super-6gb          | NVIDIA GeForce GTX 1660 SUPER                   | turing-tu116 | 22 | 336  | 125 | 3x16 | 21c4, 1f09                                     |             |
nvidia-gtx-1660-6gb                | NVIDIA GeForce GTX 1660                         | turing-tu116 | 22 | 192  | 120 | 3x16 | 2184                                           |             |
nvidia-gtx-1650-super-4gb          | NVIDIA GeForce GTX 1650 SUPER                   | turing-tu116 | 20 | 192  | 100 | 3x16 | 2187                                           |             |
nvidia-gtx-1650-4gb                | NVIDIA GeForce GTX 1650                         | turing-tu116 | 14 | -    | 75  | 3x16 | 1f82, 1f0a, 2188                               |             |
nvidia-gtx-1630-4gb                | NVIDIA GeForce GTX 1630                         | turing-tu116 | 8  | 96   | 75  | 3x16 | 1f83                                           |             |
nvidia-gtx-1660-ti-laptop-6gb      | NVIDIA GeForce GTX 1660 Ti with Max-Q Design    | turing-tu116 | 24 | -    | -   | 3x16 | 2191, 21d1                                     |             | GeForce GTX 1660 Ti Mobile
nvidia-gtx-1650-ti-laptop-4gb      | NVIDIA GeForce GTX 1650 Ti                      | turing-tu116 | 16 | 192  | -   | 3x16 | 1f95, 2192                                     |             | GeForce GTX 1650 Ti with Max-Q Design
nvidia-gtx-1650-laptop-4gb         | NVIDIA GeForce GTX 1650 with Max-Q Design       | turing-tu116 | -  | -    | -   | 3x16 | 1f91, 1f96, 1f99, 1f9d, 1fdd, 1f92, 1f94, 1fd9 |             | GeForce GTX 1650 Mobile
nvidia-mx550-2gb                   | NVIDIA GeForce MX550                            | turing-tu116 | 16 | -    | -   | 4x8  | 1f9f, 1fa0                                     |             |
nvidia-mx450-2gb                   | NVIDIA GeForce MX450                            | turing-tu116 | 14 | -    | -   | 4x4  | 1f97, 1f98, 1f9c                               |             |
nvidia-cmp-30hx-6gb                | NVIDIA CMP 30HX                                 | turing-tu116 | 22 | 336  | 125 | 1x4  | 2189                                           |             |
nvidia-t4-16gb                     | Tesla T4                                        | turing       | 40 | 320  | 70  | 3x16 | 1eb8                                           | ecc         |
nvidia-t10-16gb                    | Tesla T10                                       | turing       | -  | -    | 150 | 3x16 | 1e35, 1e37                                     | ecc         |
nvidia-quadro-rtx-8000-48gb        | Quadro RTX 8000                                 | turing       | 72 | 672  | 260 | 3x16 | 1e30, 1e78                                     | ecc, nvlink |
nvidia-quadro-rtx-6000-24gb        | Quadro RTX 6000                                 | turing       | 72 | 672  | 260 | 3x16 | 1e30, 1e36, 1e78                               | ecc, nvlink |
nvidia-quadro-rtx-5000-16gb        | Quadro RTX 5000                                 | turing       | 48 | 448  | 230 | 3x16 | 1eb0                                           | ecc, nvlink |
nvidia-quadro-rtx-4000-8gb         | Quadro RTX 4000                                 | turing       | 36 | 416  | 160 | 3x16 | 1eb1                                           |             |
nvidia-quadro-rtx-5000-laptop-16gb | Quadro RTX 5000 with Max-Q Design               | turing       | 48 | -    | -   | 3x16 | 1eb5, 1ef5                                     |             | Quadro RTX 5000 Mobile
nvidia-quadro-rtx-4000-laptop-8gb  | Quadro RTX 4000 with Max-Q Design               | turing       | 40 | -    | -   | 3x16 | 1eb6                                           |             | Quadro RTX 4000 Mobile
nvidia-quadro-rtx-3000-laptop-6gb  | Quadro RTX 3000                                 | turing       | -  | -    | -   | 3x16 | 1f36, 1f76                                     |             | Quadro RTX 3000 with Max-Q Design
nvidia-t1000-4gb                   | NVIDIA T1000                                    | turing-tu116 | 14 | 160  | 50  | 3x16 | 1fb0                                           |             |
nvidia-t1000-8gb                   | NVIDIA T1000 8GB                                | turing-tu116 | 14 | 160  | 50  | 3x16 | 1ff0                                           |             |
nvidia-t600-4gb                    | NVIDIA T600                                     | turing-tu116 | 10 | 160  | 40  | 3x16 | 1fb1                                           |             |
nvidia-t400-2gb                    | NVIDIA T400                                     | turing-tu116 | 6  | 80   | 30  | 3x16 | 1fb2                                           |             |
nvidia-t400-4gb                    | NVIDIA T400 4GB                                 | turing-tu116 | 6  | 80   | 30  | 3x16 | 1ff2                                           |             |
nvidia-t400e-4gb                   | NVIDIA T400E                                    | turing-tu116 | 6  | 80   | 30  | 3x16 | 1ff2                                           |             |
nvidia-t1200-laptop-4gb            | NVIDIA T1200 Laptop GPU                         | turing-tu116 | 16 | -    | -   | 3x16 | 1fbc                                           |             |
nvidia-t600-laptop-4gb             | NVIDIA T600 Laptop GPU                          | turing-tu116 | 14 | -    | -   | 3x16 | 1fb6, 1fba                                     |             |
nvidia-t550-laptop-4gb             | NVIDIA T550 Laptop GPU                          | turing-tu116 | 16 | -    | -   | 3x16 | 1fb7                                           |             |
nvidia-t500-laptop-4gb             | NVIDIA T500                                     | turing-tu116 | 14 | -    | -   | 3x16 | 1fbb                                           |             |
nvidia-t500-laptop-2gb             | NVIDIA T500                                     | turing-tu116 | 14 | -    | -   | 3x16 | 1fbb                                           |             |
nvidia-quadro-t2000-laptop-4gb     | Quadro T2000                                    | turing-tu116 | 16 | -    | -   | 3x16 | 1fb8                                           |             | Quadro T2000 with Max-Q Design
nvidia-quadro-t1000-laptop-4gb     | Quadro T1000                                    | turing-tu116 | -  | -    | -   | 3x16 | 1fb9, 1ff9                                     |             | Quadro T1000 with Max-Q Design
`;

/** Pascal (2016) and Volta (2017). Read by `readTable`. */
export const nvidiaPascalVolta = `
id                              | name                                         | family       | SM | GB/s | W   | PCIe | PCI ids                      | features    | also called
nvidia-titan-xp-12gb            | NVIDIA TITAN Xp                              | pascal       | 30 | 547  | 250 | 3x16 | 1b02                         |             |
nvidia-titan-x-pascal-12gb      | NVIDIA TITAN X (Pascal)                      | pascal       | 28 | 480  | 250 | 3x16 | 1b00                         |             | TITAN X
nvidia-gtx-1080-ti-11gb         | NVIDIA GeForce GTX 1080 Ti                   | pascal       | 28 | 484  | 250 | 3x16 | 1b06                         |             |
nvidia-gtx-1080-8gb             | NVIDIA GeForce GTX 1080                      | pascal       | 20 | 320  | 180 | 3x16 | 1b80                         |             |
nvidia-gtx-1070-ti-8gb          | NVIDIA GeForce GTX 1070 Ti                   | pascal       | 19 | 256  | 180 | 3x16 | 1b82                         |             |
nvidia-gtx-1070-8gb             | NVIDIA GeForce GTX 1070                      | pascal       | 15 | 256  | 150 | 3x16 | 1b81                         |             |
nvidia-gtx-1060-6gb             | NVIDIA GeForce GTX 1060 6GB                  | pascal       | 10 | 192  | 120 | 3x16 | 1c03, 1c06, 1b83             |             |
nvidia-gtx-1060-5gb             | NVIDIA GeForce GTX 1060 5GB                  | pascal       | 10 | 160  | 120 | 3x16 | 1c04                         |             |
nvidia-gtx-1060-3gb             | NVIDIA GeForce GTX 1060 3GB                  | pascal       | 9  | 192  | 120 | 3x16 | 1c02, 1b84                   |             |
nvidia-gtx-1050-ti-4gb          | NVIDIA GeForce GTX 1050 Ti                   | pascal       | 6  | 112  | 75  | 3x16 | 1c82                         |             |
nvidia-gtx-1050-3gb             | NVIDIA GeForce GTX 1050 3GB                  | pascal       | 6  | 84   | 75  | 3x16 | 1c83                         |             |
nvidia-gtx-1050-2gb             | NVIDIA GeForce GTX 1050                      | pascal       | 5  | 112  | 75  | 3x16 | 1c81                         |             |
nvidia-gt-1030-2gb              | NVIDIA GeForce GT 1030                       | pascal       | 3  | 48   | 30  | 3x4  | 1d01                         |             |
nvidia-gt-1010-2gb              | NVIDIA GeForce GT 1010                       | pascal       | 2  | 48   | 30  | 3x4  | 1d02                         |             |
nvidia-gtx-1080-laptop-8gb      | NVIDIA GeForce GTX 1080 with Max-Q Design    | pascal       | 20 | 320  | -   | 3x16 | 1ba0, 1be0                   |             | GeForce GTX 1080 Mobile
nvidia-gtx-1070-laptop-8gb      | NVIDIA GeForce GTX 1070 with Max-Q Design    | pascal       | 16 | 256  | -   | 3x16 | 1ba1, 1ba2, 1be1             |             | GeForce GTX 1070 Mobile
nvidia-gtx-1060-laptop-6gb      | NVIDIA GeForce GTX 1060 with Max-Q Design    | pascal       | 10 | 192  | -   | 3x16 | 1c20, 1c60, 1c23             |             | GeForce GTX 1060 Mobile
nvidia-gtx-1060-laptop-3gb      | NVIDIA GeForce GTX 1060 with Max-Q Design    | pascal       | 10 | 192  | -   | 3x16 | 1c20                         |             | GeForce GTX 1060 Mobile
nvidia-gtx-1050-ti-laptop-4gb   | NVIDIA GeForce GTX 1050 Ti with Max-Q Design | pascal       | 6  | 112  | -   | 3x16 | 1c8c, 1c8f, 1c21, 1c61, 1ccc |             | GeForce GTX 1050 Ti Mobile
nvidia-gtx-1050-laptop-2gb      | NVIDIA GeForce GTX 1050 with Max-Q Design    | pascal       | -  | -    | -   | 3x16 | 1c8d, 1c92, 1c22, 1c62, 1ccd |             | GeForce GTX 1050 Mobile
nvidia-gtx-1050-laptop-4gb      | NVIDIA GeForce GTX 1050 with Max-Q Design    | pascal       | -  | -    | -   | 3x16 | 1c8d, 1c92                   |             | GeForce GTX 1050 Mobile
nvidia-gtx-1050-laptop-3gb      | NVIDIA GeForce GTX 1050 with Max-Q Design    | pascal       | -  | -    | -   | 3x16 | 1c91                         |             | GeForce GTX 1050 Mobile
nvidia-mx350-2gb                | NVIDIA GeForce MX350                         | pascal       | 5  | 56   | -   | 3x16 | 1c94, 1c96                   |             |
nvidia-mx330-2gb                | NVIDIA GeForce MX330                         | pascal       | 3  | -    | -   | 3x4  | 1d16, 1d56                   |             |
nvidia-mx250-2gb                | NVIDIA GeForce MX250                         | pascal       | 3  | -    | -   | 3x4  | 1d13, 1d52                   |             |
nvidia-mx230-2gb                | NVIDIA GeForce MX230                         | pascal       | 2  | -    | -   | 3x4  | 1d11                         |             |
nvidia-mx150-2gb                | NVIDIA GeForce MX150                         | pascal       | 3  | -    | -   | 3x4  | 1d10, 1d12, 1c90             |             |
nvidia-mx150-4gb                | NVIDIA GeForce MX150                         | pascal       | 3  | -    | -   | 3x4  | 1d10, 1d12                   |             |
nvidia-p106-100-6gb             | NVIDIA P106-100                              | pascal       | 10 | 192  | 120 | 1x16 | 1c07                         |             |
nvidia-p106-090-3gb             | NVIDIA P106-090                              | pascal       | 6  | -    | 75  | 1x16 | 1c09                         |             |
nvidia-p104-100-4gb             | NVIDIA P104-100                              | pascal       | 15 | 320  | 180 | 1x4  | 1b87                         |             |
nvidia-p104-100-8gb             | NVIDIA P104-100                              | pascal       | 15 | 320  | 180 | 1x4  | 1b87                         |             |
nvidia-p102-100-5gb             | NVIDIA P102-100                              | pascal       | 25 | -    | 250 | 1x4  | 1b07                         |             |
nvidia-p102-100-10gb            | NVIDIA P102-100                              | pascal       | 25 | -    | 250 | 1x4  | 1b07                         |             |
nvidia-p40-24gb                 | Tesla P40                                    | pascal       | 30 | 346  | 250 | 3x16 | 1b38                         | ecc         |
nvidia-p4-8gb                   | Tesla P4                                     | pascal       | 20 | 192  | 75  | 3x16 | 1bb3                         | ecc         |
nvidia-p6-16gb                  | Tesla P6                                     | pascal       | 16 | 192  | 90  | 3x16 | 1bb4                         | ecc         |
nvidia-quadro-p6000-24gb        | Quadro P6000                                 | pascal       | 30 | 432  | 250 | 3x16 | 1b30                         | ecc         |
nvidia-quadro-p5000-16gb        | Quadro P5000                                 | pascal       | 20 | 288  | 180 | 3x16 | 1bb0                         | ecc         |
nvidia-quadro-p4000-8gb         | Quadro P4000                                 | pascal       | 14 | 243  | 105 | 3x16 | 1bb1                         |             |
nvidia-quadro-p2200-5gb         | Quadro P2200                                 | pascal       | 10 | 200  | 75  | 3x16 | 1c31                         |             |
nvidia-quadro-p2000-5gb         | Quadro P2000                                 | pascal       | 8  | 140  | 75  | 3x16 | 1c30                         |             |
nvidia-quadro-p1000-4gb         | Quadro P1000                                 | pascal       | 5  | 80   | 47  | 3x16 | 1cb1                         |             |
nvidia-quadro-p620-2gb          | Quadro P620                                  | pascal       | 4  | 80   | 40  | 3x16 | 1cb6                         |             |
nvidia-quadro-p600-2gb          | Quadro P600                                  | pascal       | 3  | 64   | 40  | 3x16 | 1cb2                         |             |
nvidia-quadro-p400-2gb          | Quadro P400                                  | pascal       | 2  | 32   | 30  | 3x16 | 1cb3                         |             |
nvidia-quadro-p5200-laptop-16gb | Quadro P5200                                 | pascal       | 20 | 230  | -   | 3x16 | 1bb5                         |             |
nvidia-quadro-p5000-laptop-16gb | Quadro P5000 with Max-Q Design               | pascal       | 16 | 192  | -   | 3x16 | 1bb6                         |             | Quadro P5000 Mobile
nvidia-quadro-p4200-laptop-8gb  | Quadro P4200                                 | pascal       | 18 | -    | -   | 3x16 | 1bb9                         |             |
nvidia-quadro-p4000-laptop-8gb  | Quadro P4000 with Max-Q Design               | pascal       | 14 | 192  | -   | 3x16 | 1bb7                         |             | Quadro P4000 Mobile
nvidia-quadro-p3200-laptop-6gb  | Quadro P3200                                 | pascal       | 14 | 168  | -   | 3x16 | 1bbb                         |             |
nvidia-quadro-p3000-laptop-6gb  | Quadro P3000                                 | pascal       | 10 | 168  | -   | 3x16 | 1bb8                         |             |
nvidia-quadro-p2000-laptop-4gb  | Quadro P2000 with Max-Q Design               | pascal       | 6  | 96   | -   | 3x16 | 1cba, 1c35, 1cfa             |             | Quadro P2000 Mobile
nvidia-quadro-p1000-laptop-4gb  | Quadro P1000 with Max-Q Design               | pascal       | 4  | 96   | -   | 3x16 | 1cbb, 1cfb                   |             | Quadro P1000 Mobile
nvidia-quadro-p600-laptop-4gb   | Quadro P600 with Max-Q Design                | pascal       | 3  | -    | -   | 3x16 | 1cbc                         |             | Quadro P600 Mobile
nvidia-quadro-p620-laptop-4gb   | Quadro P620 with Max-Q Design                | pascal       | 4  | 96   | -   | 3x16 | 1cbd                         |             | Quadro P620 Mobile
nvidia-quadro-p520-laptop-2gb   | Quadro P520                                  | pascal       | 3  | 48   | 18  | 3x4  | 1d34                         |             |
nvidia-quadro-p500-laptop-2gb   | Quadro P500                                  | pascal       | 2  | 40   | 18  | 3x4  | 1d33                         |             |
nvidia-p100-sxm2-16gb           | Tesla P100-SXM2-16GB                         | pascal-gp100 | 56 | 732  | 300 | 3x16 | 15f9, 15fc                   | nvlink      | P100 SXM2, Tesla P100-DGXS-16GB
nvidia-p100-pcie-16gb           | Tesla P100-PCIE-16GB                         | pascal-gp100 | 56 | 732  | 250 | 3x16 | 15f8                         |             | P100
nvidia-p100-pcie-12gb           | Tesla P100-PCIE-12GB                         | pascal-gp100 | 56 | 549  | 250 | 3x16 | 15f7                         |             |
nvidia-quadro-gp100-16gb        | Quadro GP100                                 | pascal-gp100 | 56 | 717  | 235 | 3x16 | 15f0                         | nvlink      |
nvidia-v100-sxm3-32gb           | Tesla V100-SXM3-32GB                         | volta        | 80 | 981  | 350 | 3x16 | 1db8                         | nvlink, ecc |
nvidia-v100-sxm2-32gb           | Tesla V100-SXM2-32GB                         | volta        | 80 | 900  | 300 | 3x16 | 1db5                         | nvlink, ecc | V100 SXM2, V100
nvidia-v100-sxm2-16gb           | Tesla V100-SXM2-16GB                         | volta        | 80 | 900  | 300 | 3x16 | 1db1, 1df5, 1db0             | nvlink, ecc | V100 SXM2, V100
nvidia-v100s-pcie-32gb          | Tesla V100S-PCIE-32GB                        | volta        | 80 | 1134 | 250 | 3x16 | 1df6                         | ecc         | V100S
nvidia-v100-pcie-32gb           | Tesla V100-PCIE-32GB                         | volta        | 80 | 900  | 250 | 3x16 | 1db6                         | ecc         |
nvidia-v100-pcie-16gb           | Tesla V100-PCIE-16GB                         | volta        | 80 | 900  | 250 | 3x16 | 1db4                         | ecc         |
nvidia-v100-dgxs-32gb           | Tesla V100-DGXS-32GB                         | volta        | 80 | 900  | 300 | 3x16 | 1db7                         | nvlink, ecc |
nvidia-v100-dgxs-16gb           | Tesla V100-DGXS-16GB                         | volta        | 80 | 900  | 300 | 3x16 | 1db2                         | nvlink, ecc |
nvidia-v100-fhhl-16gb           | Tesla V100-FHHL-16GB                         | volta        | 80 | -    | 150 | 3x16 | 1db3                         | ecc         |
nvidia-quadro-gv100-32gb        | Quadro GV100                                 | volta        | 80 | 870  | 250 | 3x16 | 1dba                         | nvlink, ecc |
nvidia-titan-v-12gb             | NVIDIA TITAN V                               | volta        | 80 | 653  | 250 | 3x16 | 1d81                         |             |
nvidia-cmp-100-210-16gb         | NVIDIA CMP 100-210                           | volta        | -  | -    | -   | 1x1  | 1d84, 1df4                   |             |
`;

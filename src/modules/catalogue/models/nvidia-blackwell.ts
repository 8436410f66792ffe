/** Blackwell (2024): GB100 for datacentres, GB202 to GB207 for all else. Read by `readTable`. */
export const nvidiaBlackwell = `
id                                   | name                                                    | family          | SM  | GB/s | W    | PCIe | PCI ids    | features     | also called
nvidia-b200-180gb                    | NVIDIA B200                                             | blackwell-gb100 | 148 | 8000 | 1000 | 5x16 | 2901       |              | B200 SXM6
nvidia-gb200-186gb                   | NVIDIA GB200                                            | blackwell-gb100 | -   | 8000 | 1200 | -    | 2941       |              |
nvidia-b300-sxm6-288gb               | NVIDIA B300 SXM6 AC                                     | blackwell-gb110 | -   | 8000 | 1100 | 6x16 | 3182       |              | B300
nvidia-gb300-288gb                   | NVIDIA GB300                                            | blackwell-gb110 | -   | 8000 | 1400 | -    | 31c2, 31c3 |              |
nvidia-gb10-128gb                    | NVIDIA GB10                                             | blackwell-gb10  | 48  | 273  | -    | -    | 2e12       |              | DGX Spark
nvidia-rtx-5090-32gb                 | NVIDIA GeForce RTX 5090                                 | blackwell       | 170 | 1792 | 575  | 5x16 | 2b85       |              |
nvidia-rtx-5090-d-32gb               | NVIDIA GeForce RTX 5090 D                               | blackwell       | 170 | 1792 | 575  | 5x16 | 2b87       |              |
nvidia-rtx-5090-d-v2-24gb            | NVIDIA GeForce RTX 5090 D v2                            | blackwell       | 170 | 1344 | 575  | 5x16 | 2b8c       |              |
nvidia-rtx-5080-16gb                 | NVIDIA GeForce RTX 5080                                 | blackwell       | 84  | 960  | 360  | 5x16 | 2c02       |              |
nvidia-rtx-5070-ti-16gb              | NVIDIA GeForce RTX 5070 Ti                              | blackwell       | 70  | 896  | 300  | 5x16 | 2c05       |              |
nvidia-rtx-5070-12gb                 | NVIDIA GeForce RTX 5070                                 | blackwell       | 48  | 672  | 250  | 5x16 | 2f04       |              |
nvidia-rtx-5060-ti-16gb              | NVIDIA GeForce RTX 5060 Ti                              | blackwell       | 36  | 448  | 180  | 5x8  | 2d04       |              |
nvidia-rtx-5060-ti-8gb               | NVIDIA GeForce RTX 5060 Ti                              | blackwell       | 36  | 448  | 180  | 5x8  | 2d04       |              |
nvidia-rtx-5060-8gb                  | NVIDIA GeForce RTX 5060                                 | blackwell       | 30  | 448  | 145  | 5x8  | 2d05, 2f06 |              |
nvidia-rtx-5050-8gb                  | NVIDIA GeForce RTX 5050                                 | blackwell       | 20  | 320  | 130  | 5x8  | 2d83       |              |
nvidia-rtx-5090-laptop-24gb          | NVIDIA GeForce RTX 5090 Laptop GPU                      | blackwell       | 82  | 896  | -    | 5x16 | 2c18, 2c58 |              |
nvidia-rtx-5080-laptop-16gb          | NVIDIA GeForce RTX 5080 Laptop GPU                      | blackwell       | 60  | 896  | -    | 5x16 | 2c19, 2c59 |              |
nvidia-rtx-5070-ti-laptop-12gb       | NVIDIA GeForce RTX 5070 Ti Laptop GPU                   | blackwell       | 46  | 672  | -    | 5x16 | 2f18, 2f58 |              |
nvidia-rtx-5070-laptop-8gb           | NVIDIA GeForce RTX 5070 Laptop GPU                      | blackwell       | 36  | 384  | -    | 5x8  | 2d18, 2d58 |              |
nvidia-rtx-5060-laptop-8gb           | NVIDIA GeForce RTX 5060 Laptop GPU                      | blackwell       | 26  | 384  | -    | 5x8  | 2d19, 2d59 |              |
nvidia-rtx-5050-laptop-8gb           | NVIDIA GeForce RTX 5050 Laptop GPU                      | blackwell       | 20  | -    | -    | 5x8  | 2d98, 2dd8 |              |
nvidia-rtx-pro-6000-server-96gb      | NVIDIA RTX PRO 6000 Blackwell Server Edition            | blackwell       | 188 | 1597 | 600  | 5x16 | 2bb5       | ecc, mig, cc | PRO 6000 SE
nvidia-rtx-pro-6000-workstation-96gb | NVIDIA RTX PRO 6000 Blackwell Workstation Edition       | blackwell       | 188 | 1792 | 600  | 5x16 | 2bb1       | ecc, mig     | PRO 6000 WE
nvidia-rtx-pro-6000-max-q-96gb       | NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition | blackwell       | 188 | 1792 | 300  | 5x16 | 2bb4       | ecc, mig     |
nvidia-rtx-6000d-84gb                | NVIDIA RTX 6000D                                        | blackwell       | -   | -    | -    | 5x16 | 2bb9       | ecc          |
nvidia-rtx-pro-5000-72gb             | NVIDIA RTX PRO 5000 72GB Blackwell                      | blackwell       | 110 | 1344 | 300  | 5x16 | 2bb3       | ecc, mig     |
nvidia-rtx-pro-5000-48gb             | NVIDIA RTX PRO 5000 Blackwell                           | blackwell       | 110 | 1344 | 300  | 5x16 | 2bb3       | ecc, mig     |
nvidia-rtx-pro-4500-32gb             | NVIDIA RTX PRO 4500 Blackwell                           | blackwell       | 82  | 896  | 200  | 5x16 | 2c31       | ecc          |
nvidia-rtx-pro-4500-server-32gb      | NVIDIA RTX PRO 4500 Blackwell Server Edition            | blackwell       | -   | -    | -    | 5x16 | 2c3a       | ecc          |
nvidia-rtx-pro-4000-24gb             | NVIDIA RTX PRO 4000 Blackwell                           | blackwell       | 70  | 672  | -    | 5x16 | 2c34       | ecc          |
nvidia-rtx-pro-4000-sff-24gb         | NVIDIA RTX PRO 4000 Blackwell SFF Edition               | blackwell       | 70  | 432  | 70   | 5x8  | 2c33       | ecc          |
nvidia-rtx-pro-2000-16gb             | NVIDIA RTX PRO 2000 Blackwell                           | blackwell       | 34  | 288  | 70   | 5x8  | 2d30       | ecc          |
nvidia-rtx-pro-5000-laptop-24gb      | NVIDIA RTX PRO 5000 Blackwell Generation Laptop GPU     | blackwell       | 82  | 896  | -    | 5x16 | 2c38       | ecc?         |
nvidia-rtx-pro-5000-embedded-24gb    | NVIDIA RTX PRO 5000 Blackwell Embedded GPU              | blackwell       | 82  | -    | -    | 5x16 | 2c77       | ecc?         |
nvidia-rtx-pro-4000-laptop-16gb      | NVIDIA RTX PRO 4000 Blackwell Generation Laptop GPU     | blackwell       | 60  | 896  | -    | 5x16 | 2c39       | ecc?         |
nvidia-rtx-pro-4000-embedded-16gb    | NVIDIA RTX PRO 4000 Blackwell Embedded GPU              | blackwell       | 60  | -    | -    | 5x16 | 2c79       | ecc?         |
nvidia-rtx-pro-3000-laptop-12gb      | NVIDIA RTX PRO 3000 Blackwell Generation Laptop GPU     | blackwell       | 46  | 672  | -    | 5x16 | 2f38       | ecc?         |
nvidia-rtx-pro-2000-laptop-8gb       | NVIDIA RTX PRO 2000 Blackwell Generation Laptop GPU     | blackwell       | 26  | 384  | -    | 5x8  | 2d39       | ecc?         |
nvidia-rtx-pro-2000-embedded-8gb     | NVIDIA RTX PRO 2000 Blackwell Embedded GPU              | blackwell       | 26  | -    | -    | 5x8  | 2d79       | ecc?         |
nvidia-rtx-pro-1000-laptop-8gb       | NVIDIA RTX PRO 1000 Blackwell Generation Laptop GPU     | blackwell       | 20  | 384  | -    | 5x8  | 2db8       | ecc?         |
nvidia-rtx-pro-500-laptop-6gb        | NVIDIA RTX PRO 500 Blackwell Generation Laptop GPU      | blackwell       | 14  | 288  | -    | 5x8  | 2db9       | ecc?         |
nvidia-rtx-pro-500-embedded-6gb      | NVIDIA RTX PRO 500 Blackwell Embedded GPU               | blackwell       | 14  | -    | -    | 5x8  | 2df9       | ecc?         |
`;

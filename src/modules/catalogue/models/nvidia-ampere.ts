/** Ampere (2020): GA100 for datacentres, GA102 to GA107 for all else. Read by `readTable`. */
export const nvidiaAmpere = `
id                             | name                                   | family       | SM  | GB/s | W   | PCIe | PCI ids                                        | features    | also called
nvidia-a100-sxm4-80gb          | NVIDIA A100-SXM4-80GB                  | ampere-ga100 | 108 | 2039 | 400 | 4x16 | 20b2                                           | mig, nvlink | A100, NVIDIA PG509-210
nvidia-a100-sxm4-40gb          | NVIDIA A100-SXM4-40GB                  | ampere-ga100 | 108 | 1555 | 400 | 4x16 | 20b0                                           | mig, nvlink | A100, NVIDIA A100-PG509-200
nvidia-a100-sxm-64gb           | NVIDIA A100-SXM-64GB                   | ampere-ga100 | -   | -    | -   | 4x16 | 20b3                                           | mig, nvlink | A100 SXM4 64GB, A100
nvidia-a100-pcie-80gb          | NVIDIA A100 80GB PCIe                  | ampere-ga100 | 108 | 1935 | 300 | 4x16 | 20b5                                           | mig, nvlink |
nvidia-a100-pcie-40gb          | NVIDIA A100-PCIE-40GB                  | ampere-ga100 | 108 | 1555 | 250 | 4x16 | 20f1, 20b1                                     | mig, nvlink |
nvidia-a100x-80gb              | NVIDIA A100X                           | ampere-ga100 | 108 | -    | 300 | 4x16 | 20b8                                           | mig, nvlink |
nvidia-a800-sxm4-80gb          | NVIDIA A800-SXM4-80GB                  | ampere-ga100 | 108 | 2039 | 400 | 4x16 | 20f3                                           | mig, nvlink | A800
nvidia-a800-sxm4-40gb          | NVIDIA A800-SXM4-40GB                  | ampere-ga100 | 108 | 1555 | 400 | 4x16 | 20bd                                           | mig, nvlink |
nvidia-a800-pcie-80gb          | NVIDIA A800 80GB PCIe                  | ampere-ga100 | 108 | 1935 | 300 | 4x16 | 20f5                                           | mig, nvlink | NVIDIA A800 80GB PCIe LC
nvidia-a800-active-40gb        | NVIDIA A800 40GB Active                | ampere-ga100 | 108 | 1555 | 240 | 4x16 | 20f6                                           | mig, nvlink | A800 40GB PCIe
nvidia-ax800-80gb              | NVIDIA AX800                           | ampere-ga100 | -   | -    | -   | 4x16 | 20fd                                           | mig         |
nvidia-a30-24gb                | NVIDIA A30                             | ampere-ga100 | 56  | 933  | 165 | 4x16 | 20b7                                           | mig, nvlink |
nvidia-a30x-24gb               | NVIDIA A30X                            | ampere-ga100 | 56  | -    | 230 | 4x16 | 20b9                                           | mig, nvlink |
nvidia-cmp-170hx-8gb           | NVIDIA CMP 170HX                       | ampere-ga100 | 70  | 1493 | 250 | 1x4  | 20c2, 2082                                     |             |
nvidia-a40-48gb                | NVIDIA A40                             | ampere       | 84  | 696  | 300 | 4x16 | 2235                                           | ecc, nvlink |
nvidia-a16-16gb                | NVIDIA A16                             | ampere       | 10  | 200  | -   | 4x16 | 25b6                                           | ecc         |
nvidia-a10-24gb                | NVIDIA A10                             | ampere       | 72  | 600  | 150 | 4x16 | 2236                                           | ecc         |
nvidia-a10g-24gb               | NVIDIA A10G                            | ampere       | 80  | 600  | 300 | 4x16 | 2237                                           | ecc         |
nvidia-a10m-20gb               | NVIDIA A10M                            | ampere       | -   | -    | -   | 4x16 | 2238                                           | ecc         |
nvidia-a2-16gb                 | NVIDIA A2                              | ampere       | 10  | 200  | 60  | 4x8  | 25b6                                           | ecc         |
nvidia-rtx-3090-ti-24gb        | NVIDIA GeForce RTX 3090 Ti             | ampere       | 84  | 1008 | 450 | 4x16 | 2203                                           | nvlink      |
nvidia-rtx-3090-24gb           | NVIDIA GeForce RTX 3090                | ampere       | 82  | 936  | 350 | 4x16 | 2204                                           | nvlink      |
nvidia-rtx-3080-ti-12gb        | NVIDIA GeForce RTX 3080 Ti             | ampere       | 80  | 912  | 350 | 4x16 | 2208                                           |             |
nvidia-rtx-3080-12gb           | NVIDIA GeForce RTX 3080                | ampere       | 70  | 912  | 350 | 4x16 | 220a                                           |             |
nvidia-rtx-3080-10gb           | NVIDIA GeForce RTX 3080                | ampere       | 68  | 760  | 320 | 4x16 | 2206, 2216                                     |             |
nvidia-rtx-3070-ti-8gb         | NVIDIA GeForce RTX 3070 Ti             | ampere       | 48  | 608  | 290 | 4x16 | 2482, 2207, 248c                               |             |
nvidia-rtx-3070-8gb            | NVIDIA GeForce RTX 3070                | ampere       | 46  | 448  | 220 | 4x16 | 2484, 2488, 248d                               |             |
nvidia-rtx-3060-ti-8gb         | NVIDIA GeForce RTX 3060 Ti             | ampere       | 38  | -    | 200 | 4x16 | 2486, 2489, 2414, 24c9, 248e                   |             |
nvidia-rtx-3060-12gb           | NVIDIA GeForce RTX 3060                | ampere       | 28  | 360  | 170 | 4x16 | 2503, 2504, 2487, 2544, 2501, 2509             |             |
nvidia-rtx-3060-8gb            | NVIDIA GeForce RTX 3060                | ampere       | 28  | 240  | 170 | 4x16 | 2504, 2544, 24c7                               |             |
nvidia-rtx-3050-8gb            | NVIDIA GeForce RTX 3050                | ampere       | 20  | 224  | 130 | 4x8  | 2507, 2582                                     |             |
nvidia-rtx-3050-6gb            | NVIDIA GeForce RTX 3050                | ampere       | 18  | 168  | 70  | 4x8  | 2584                                           |             |
nvidia-rtx-3050-4gb            | NVIDIA GeForce RTX 3050 4GB            | ampere       | -   | -    | -   | 4x8  | 2583                                           |             |
nvidia-rtx-3050-oem-8gb        | NVIDIA GeForce RTX 3050 OEM            | ampere       | 18  | 224  | 130 | 4x8  | 2508                                           |             |
nvidia-cmp-90hx-10gb           | NVIDIA CMP 90HX                        | ampere       | 50  | 760  | 250 | 1x16 | 220d                                           |             |
nvidia-cmp-70hx-8gb            | NVIDIA CMP 70HX                        | ampere       | 48  | -    | 200 | 1x16 | 248a                                           |             |
nvidia-rtx-3080-ti-laptop-16gb | NVIDIA GeForce RTX 3080 Ti Laptop GPU  | ampere       | 58  | 512  | -   | 4x16 | 2420, 2460                                     |             |
nvidia-rtx-3080-laptop-16gb    | NVIDIA GeForce RTX 3080 Laptop GPU     | ampere       | 48  | 448  | -   | 4x16 | 249c, 24dc                                     |             |
nvidia-rtx-3080-laptop-8gb     | NVIDIA GeForce RTX 3080 Laptop GPU     | ampere       | 48  | 448  | -   | 4x16 | 249c, 24dc                                     |             |
nvidia-rtx-3070-ti-laptop-8gb  | NVIDIA GeForce RTX 3070 Ti Laptop GPU  | ampere       | 46  | 448  | -   | 4x16 | 24a0, 24e0                                     |             |
nvidia-rtx-3070-laptop-8gb     | NVIDIA GeForce RTX 3070 Laptop GPU     | ampere       | 40  | 448  | -   | 4x16 | 249d, 24dd                                     |             |
nvidia-rtx-3060-laptop-6gb     | NVIDIA GeForce RTX 3060 Laptop GPU     | ampere       | 30  | 336  | -   | 4x16 | 2520, 2560, 2521, 249c, 24a0, 25a0, 25a2, 2561 |             |
nvidia-rtx-3050-ti-laptop-4gb  | NVIDIA GeForce RTX 3050 Ti Laptop GPU  | ampere       | 20  | 192  | -   | 4x8  | 25a0, 25e0, 2523, 2563, 25a2                   |             |
nvidia-rtx-3050-laptop-4gb     | NVIDIA GeForce RTX 3050 Laptop GPU     | ampere       | 16  | 192  | -   | 4x8  | 25a2, 25a5, 25e2, 25e5, 25ab                   |             |
nvidia-rtx-3050-laptop-6gb     | NVIDIA GeForce RTX 3050 6GB Laptop GPU | ampere       | 20  | 168  | -   | 4x8  | 25ac, 25ec                                     |             |
nvidia-rtx-2050-laptop-4gb     | NVIDIA GeForce RTX 2050                | ampere       | 16  | 112  | -   | 3x8  | 25a7, 25a9, 25ad, 25ed                         |             |
nvidia-mx570-2gb               | NVIDIA GeForce MX570                   | ampere       | 16  | -    | -   | 4x8  | 25a6                                           |             |
nvidia-mx570-a-2gb             | NVIDIA GeForce MX570 A                 | ampere       | 16  | -    | -   | 4x8  | 25aa                                           |             |
nvidia-rtx-a6000-48gb          | NVIDIA RTX A6000                       | ampere       | 84  | 768  | 300 | 4x16 | 2230                                           | ecc, nvlink |
nvidia-rtx-a5500-24gb          | NVIDIA RTX A5500                       | ampere       | 80  | 768  | 230 | 4x16 | 2233                                           | ecc, nvlink |
nvidia-rtx-a5000-24gb          | NVIDIA RTX A5000                       | ampere       | 64  | 768  | 230 | 4x16 | 2231                                           | ecc, nvlink |
nvidia-rtx-a4500-20gb          | NVIDIA RTX A4500                       | ampere       | 56  | 640  | 200 | 4x16 | 2232                                           | ecc, nvlink |
nvidia-rtx-a4000-16gb          | NVIDIA RTX A4000                       | ampere       | 48  | 448  | 140 | 4x16 | 24b0                                           | ecc         |
nvidia-rtx-a4000h-16gb         | NVIDIA RTX A4000H                      | ampere       | -   | -    | -   | 4x16 | 24b1                                           | ecc         |
nvidia-rtx-a2000-12gb          | NVIDIA RTX A2000 12GB                  | ampere       | 26  | 288  | 70  | 4x16 | 2571                                           | ecc         |
nvidia-rtx-a2000-6gb           | NVIDIA RTX A2000                       | ampere       | 26  | 288  | 70  | 4x16 | 2531                                           | ecc         |
nvidia-rtx-a1000-8gb           | NVIDIA RTX A1000                       | ampere       | 18  | 192  | 50  | 4x8  | 25b0                                           |             |
nvidia-rtx-a400-4gb            | NVIDIA RTX A400                        | ampere       | 6   | 96   | 50  | 4x8  | 25b2                                           |             |
nvidia-rtx-a5500-laptop-16gb   | NVIDIA RTX A5500 Laptop GPU            | ampere       | 58  | 512  | -   | 4x16 | 2438                                           | ecc?        |
nvidia-rtx-a5000-laptop-16gb   | NVIDIA RTX A5000 Laptop GPU            | ampere       | 48  | 448  | -   | 4x16 | 24b6                                           | ecc?        |
nvidia-rtx-a4500-laptop-16gb   | NVIDIA RTX A4500 Laptop GPU            | ampere       | 46  | 512  | -   | 4x16 | 24ba                                           | ecc?        |
nvidia-rtx-a4500-embedded-16gb | NVIDIA RTX A4500 Embedded GPU          | ampere       | 46  | -    | -   | 4x16 | 24fa                                           | ecc?        |
nvidia-rtx-a4000-laptop-8gb    | NVIDIA RTX A4000 Laptop GPU            | ampere       | 40  | 384  | -   | 4x16 | 24b7                                           | ecc?        |
nvidia-rtx-a3000-laptop-12gb   | NVIDIA RTX A3000 12GB Laptop GPU       | ampere       | 32  | -    | -   | 4x16 | 24b9, 24bb                                     | ecc?        |
nvidia-rtx-a3000-laptop-6gb    | NVIDIA RTX A3000 Laptop GPU            | ampere       | 32  | 264  | -   | 4x16 | 24b8                                           | ecc?        |
nvidia-rtx-a2000-laptop-8gb    | NVIDIA RTX A2000 8GB Laptop GPU        | ampere       | 20  | -    | -   | 4x8  | 25ba                                           | ecc?        |
nvidia-rtx-a2000-laptop-4gb    | NVIDIA RTX A2000 Laptop GPU            | ampere       | 20  | 192  | -   | 4x8  | 25b8                                           | ecc?        |
nvidia-rtx-a2000-embedded-8gb  | NVIDIA RTX A2000 Embedded GPU          | ampere       | 20  | -    | -   | 4x8  | 25fa                                           | ecc?        |
nvidia-rtx-a1000-laptop-6gb    | NVIDIA RTX A1000 6GB Laptop GPU        | ampere       | 20  | -    | -   | 4x8  | 25bc                                           | ecc?        |
nvidia-rtx-a1000-laptop-4gb    | NVIDIA RTX A1000 Laptop GPU            | ampere       | 16  | -    | -   | 4x8  | 25b9                                           | ecc?        |
nvidia-rtx-a1000-embedded-4gb  | NVIDIA RTX A1000 Embedded GPU          | ampere       | 16  | -    | -   | 4x8  | 25f9                                           | ecc?        |
nvidia-rtx-a500-laptop-4gb     | NVIDIA RTX A500 Laptop GPU             | ampere       | 16  | -    | -   | 4x8  | 25bb, 25bd                                     | ecc?        |
nvidia-rtx-a500-embedded-4gb   | NVIDIA RTX A500 Embedded GPU           | ampere       | 16  | -    | -   | 4x8  | 25fb                                           | ecc?        |
`;

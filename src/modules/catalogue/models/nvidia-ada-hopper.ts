/** Ada Lovelace and Hopper (2022). Read by `readTable`. */
export const nvidiaAdaHopper = `
id                                | name                                        | family | SM  | GB/s | W   | PCIe | PCI ids          | features | also called
nvidia-l40s-48gb                  | NVIDIA L40S                                 | ada    | 142 | 864  | 350 | 4x16 | 26b9             | ecc      |
nvidia-l40-48gb                   | NVIDIA L40                                  | ada    | 142 | 864  | 300 | 4x16 | 26b5             | ecc      |
nvidia-l20-48gb                   | NVIDIA L20                                  | ada    | 92  | 864  | 275 | 4x16 | 26ba, 26b7       | ecc      |
nvidia-l4-24gb                    | NVIDIA L4                                   | ada    | 58  | 300  | 72  | 4x16 | 27b8             | ecc      |
nvidia-l2-24gb                    | NVIDIA L2                                   | ada    | -   | -    | -   | 4x16 | 27b6             | ecc      |
nvidia-rtx-4090-24gb              | NVIDIA GeForce RTX 4090                     | ada    | 128 | 1008 | 450 | 4x16 | 2684             |          |
nvidia-rtx-4090-d-24gb            | NVIDIA GeForce RTX 4090 D                   | ada    | 114 | 1008 | 425 | 4x16 | 2685             |          |
nvidia-rtx-4080-super-16gb        | NVIDIA GeForce RTX 4080 SUPER               | ada    | 80  | 736  | 320 | 4x16 | 2702, 2703       |          |
nvidia-rtx-4080-16gb              | NVIDIA GeForce RTX 4080                     | ada    | 76  | 717  | 320 | 4x16 | 2704             |          |
nvidia-rtx-4070-ti-super-16gb     | NVIDIA GeForce RTX 4070 Ti SUPER            | ada    | 66  | 672  | 285 | 4x16 | 2705, 2689       |          |
nvidia-rtx-4070-ti-12gb           | NVIDIA GeForce RTX 4070 Ti                  | ada    | 60  | 504  | 285 | 4x16 | 2782             |          |
nvidia-rtx-4070-super-12gb        | NVIDIA GeForce RTX 4070 SUPER               | ada    | 56  | 504  | 220 | 4x16 | 2783             |          |
nvidia-rtx-4070-12gb              | NVIDIA GeForce RTX 4070                     | ada    | 46  | -    | 200 | 4x16 | 2786, 2709       |          |
nvidia-rtx-4060-ti-16gb           | NVIDIA GeForce RTX 4060 Ti                  | ada    | 34  | 288  | 165 | 4x8  | 2805, 2788       |          |
nvidia-rtx-4060-ti-8gb            | NVIDIA GeForce RTX 4060 Ti                  | ada    | 34  | 288  | 160 | 4x8  | 2803, 2788       |          |
nvidia-rtx-4060-8gb               | NVIDIA GeForce RTX 4060                     | ada    | 24  | 272  | 115 | 4x8  | 2882, 2808       |          |
nvidia-rtx-4090-laptop-16gb       | NVIDIA GeForce RTX 4090 Laptop GPU          | ada    | 76  | 576  | -   | 4x16 | 2717, 2757       |          |
nvidia-rtx-4080-laptop-12gb       | NVIDIA GeForce RTX 4080 Laptop GPU          | ada    | 58  | 432  | -   | 4x16 | 27a0, 27e0       |          |
nvidia-rtx-4070-laptop-8gb        | NVIDIA GeForce RTX 4070 Laptop GPU          | ada    | 36  | 256  | -   | 4x8  | 2820, 2860       |          |
nvidia-rtx-4060-laptop-8gb        | NVIDIA GeForce RTX 4060 Laptop GPU          | ada    | 24  | 256  | -   | 4x8  | 28a0, 28e0       |          |
nvidia-rtx-4050-laptop-6gb        | NVIDIA GeForce RTX 4050 Laptop GPU          | ada    | 20  | 192  | -   | 4x8  | 28a1, 28e1       |          |
nvidia-rtx-3050-a-laptop-4gb      | NVIDIA GeForce RTX 3050 A Laptop GPU        | ada    | -   | -    | -   | 4x8  | 2822, 28a3, 28e3 |          |
nvidia-rtx-6000-ada-48gb          | NVIDIA RTX 6000 Ada Generation              | ada    | 142 | 960  | 300 | 4x16 | 26b1             | ecc      |
nvidia-rtx-5880-ada-48gb          | NVIDIA RTX 5880 Ada Generation              | ada    | 110 | 960  | 285 | 4x16 | 26b3             | ecc      |
nvidia-rtx-5000-ada-32gb          | NVIDIA RTX 5000 Ada Generation              | ada    | 100 | 576  | 250 | 4x16 | 26b2             | ecc      |
nvidia-rtx-4500-ada-24gb          | NVIDIA RTX 4500 Ada Generation              | ada    | 60  | 432  | 210 | 4x16 | 27b1             | ecc      |
nvidia-rtx-4000-ada-20gb          | NVIDIA RTX 4000 Ada Generation              | ada    | 48  | 360  | 130 | 4x16 | 27b2             | ecc      |
nvidia-rtx-4000-sff-ada-20gb      | NVIDIA RTX 4000 SFF Ada Generation          | ada    | 48  | 280  | 70  | 4x16 | 27b0             | ecc      |
nvidia-rtx-2000-ada-16gb          | NVIDIA RTX 2000 Ada Generation              | ada    | 22  | 224  | 70  | 4x8  | 28b0             | ecc      |
nvidia-rtx-2000e-ada-16gb         | NVIDIA RTX 2000E Ada Generation             | ada    | 22  | 224  | 50  | 4x8  | 28b0             | ecc      |
nvidia-rtx-5000-ada-laptop-16gb   | NVIDIA RTX 5000 Ada Generation Laptop GPU   | ada    | 76  | 576  | -   | 4x16 | 2730             | ecc?     |
nvidia-rtx-5000-ada-embedded-16gb | NVIDIA RTX 5000 Ada Generation Embedded GPU | ada    | 76  | 576  | -   | 4x16 | 2770             | ecc?     |
nvidia-rtx-4000-ada-laptop-12gb   | NVIDIA RTX 4000 Ada Generation Laptop GPU   | ada    | 58  | 432  | -   | 4x16 | 27ba             | ecc?     |
nvidia-rtx-4000-ada-embedded-12gb | NVIDIA RTX 4000 Ada Generation Embedded GPU | ada    | 58  | -    | -   | 4x16 | 27fa             | ecc?     |
nvidia-rtx-3500-ada-laptop-12gb   | NVIDIA RTX 3500 Ada Generation Laptop GPU   | ada    | 40  | 432  | -   | 4x16 | 27bb             | ecc?     |
nvidia-rtx-3500-ada-embedded-12gb | NVIDIA RTX 3500 Ada Generation Embedded GPU | ada    | 40  | 432  | -   | 4x16 | 27fb             | ecc?     |
nvidia-rtx-3000-ada-laptop-8gb    | NVIDIA RTX 3000 Ada Generation Laptop GPU   | ada    | 36  | 256  | -   | 4x8  | 2838             | ecc?     |
nvidia-rtx-3000-ada-embedded-8gb  | NVIDIA RTX 3000 Ada Generation Embedded GPU | ada    | 36  | -    | -   | 4x8  | 2878             | ecc?     |
nvidia-rtx-2000-ada-laptop-8gb    | NVIDIA RTX 2000 Ada Generation Laptop GPU   | ada    | 24  | 256  | -   | 4x8  | 28b8             | ecc?     |
nvidia-rtx-2000-ada-embedded-8gb  | NVIDIA RTX 2000 Ada Generation Embedded GPU | ada    | 24  | -    | -   | 4x8  | 28f8             | ecc?     |
nvidia-rtx-1000-ada-laptop-6gb    | NVIDIA RTX 1000 Ada Generation Laptop GPU   | ada    | 20  | 192  | -   | 4x8  | 28b9             | ecc?     |
nvidia-rtx-500-ada-laptop-4gb     | NVIDIA RTX 500 Ada Generation Laptop GPU    | ada    | 16  | 128  | -   | 4x8  | 28ba, 28bb       | ecc?     |
nvidia-h200-sxm5-141gb            | NVIDIA H200                                 | hopper | 132 | 4800 | 700 | 5x16 | 2335             |          | H200 SXM5
nvidia-h200-nvl-141gb             | NVIDIA H200 NVL                             | hopper | 132 | 4800 | 600 | 5x16 | 233b             |          |
nvidia-h100-sxm5-80gb             | NVIDIA H100 80GB HBM3                       | hopper | 132 | 3352 | 700 | 5x16 | 2330             |          | H100 SXM5, NVIDIA H100, H100
nvidia-h100-sxm5-64gb             | NVIDIA H100 SXM5 64GB                       | hopper | -   | -    | -   | 5x16 | 2337             |          |
nvidia-h100-sxm5-94gb             | NVIDIA H100                                 | hopper | 132 | -    | 700 | 5x16 | 2339             |          | H100 SXM5 94GB
nvidia-h100-sxm5-96gb             | NVIDIA H100 SXM5 96GB                       | hopper | -   | -    | -   | 5x16 | 2338, 233d       |          |
nvidia-h100-nvl-94gb              | NVIDIA H100 NVL                             | hopper | 132 | 3938 | 400 | 5x16 | 2321             |          |
nvidia-h100-pcie-80gb             | NVIDIA H100 PCIe                            | hopper | 114 | 2039 | 350 | 5x16 | 2331             |          |
nvidia-h800-sxm5-80gb             | NVIDIA H800                                 | hopper | 132 | 3352 | 700 | 5x16 | 2324             |          | H800 SXM5
nvidia-h800-pcie-80gb             | NVIDIA H800 PCIe                            | hopper | 114 | 2039 | 350 | 5x16 | 2322             |          |
nvidia-h800-nvl-94gb              | NVIDIA H800 NVL                             | hopper | 132 | 3938 | 400 | 5x16 | 233a             |          |
nvidia-h20-96gb                   | NVIDIA H20                                  | hopper | 78  | 4000 | 500 | 5x16 | 2329             |          |
nvidia-h20-nvl16-96gb             | NVIDIA H20 NVL16                            | hopper | -   | -    | -   | 5x16 | 230e, 230c       |          |
nvidia-h20-3e-141gb               | NVIDIA H20-3e                               | hopper | 78  | 4800 | 500 | 5x16 | 232c             |          |
nvidia-gh200-96gb                 | NVIDIA GH200 480GB                          | hopper | 132 | 4000 | -   | 5x16 | 2342             |          | GH200 120GB, GH200
nvidia-gh200-144gb                | NVIDIA GH200 144G HBM3e                     | hopper | 132 | 4900 | -   | 5x16 | 2348             |          | GH200
`;

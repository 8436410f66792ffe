/** AMD Radeon and Radeon Pro, GCN to RDNA 4. SM counts compute units. Read by `readTable`. */
export const amdRadeon = `
id                                | name                          | family | SM | GB/s | W   | PCIe | PCI ids          | features | also called
amd-rx-9070-xt-16gb               | AMD Radeon RX 9070 XT         | rdna4  | 64 | 640  | 304 | 5x16 | 7550             |          |
amd-rx-9070-16gb                  | AMD Radeon RX 9070            | rdna4  | 56 | 640  | 220 | 5x16 | 7550             |          |
amd-rx-9070-gre-12gb              | AMD Radeon RX 9070 GRE        | rdna4  | 48 | 432  | 220 | 5x16 | 7550             |          |
amd-rx-9060-xt-16gb               | AMD Radeon RX 9060 XT         | rdna4  | 32 | 320  | 160 | 5x16 | 7590             |          |
amd-rx-9060-xt-8gb                | AMD Radeon RX 9060 XT         | rdna4  | 32 | 320  | 150 | 5x16 | 7590             |          |
amd-rx-9060-8gb                   | AMD Radeon RX 9060            | rdna4  | 28 | -    | -   | 5x16 | 7590             |          |
amd-radeon-ai-pro-r9700-32gb      | AMD Radeon AI PRO R9700       | rdna4  | 64 | 640  | 300 | 5x16 | 7551             |          | Radeon R9700
amd-rx-7900-xtx-24gb              | AMD Radeon RX 7900 XTX        | rdna3  | 96 | 960  | 355 | 4x16 | 744c             |          |
amd-rx-7900-xt-20gb               | AMD Radeon RX 7900 XT         | rdna3  | 84 | 800  | 315 | 4x16 | 744c             |          |
amd-rx-7900-gre-16gb              | AMD Radeon RX 7900 GRE        | rdna3  | 80 | 576  | 260 | 4x16 | 744c             |          |
amd-rx-7900m-16gb                 | AMD Radeon RX 7900M           | rdna3  | 72 | 576  | -   | 4x16 | 744c             |          |
amd-rx-7800-xt-16gb               | AMD Radeon RX 7800 XT         | rdna3  | 60 | 624  | 263 | 4x16 | 747e             |          |
amd-rx-7700-xt-12gb               | AMD Radeon RX 7700 XT         | rdna3  | 54 | 432  | 245 | 4x16 | 747e             |          |
amd-rx-7600-xt-16gb               | AMD Radeon RX 7600 XT         | rdna3  | 32 | 288  | 190 | 4x8  | 7480             |          |
amd-rx-7600-8gb                   | AMD Radeon RX 7600            | rdna3  | 32 | 288  | 165 | 4x8  | 7480             |          |
amd-rx-7600m-xt-8gb               | AMD Radeon RX 7600M XT        | rdna3  | 32 | 288  | -   | 4x8  | 7480, 7483, 73f0 |          |
amd-rx-7600m-8gb                  | AMD Radeon RX 7600M           | rdna3  | 28 | 256  | -   | 4x8  | 7483             |          |
amd-rx-7700s-8gb                  | AMD Radeon RX 7700S           | rdna3  | 32 | 288  | -   | 4x8  | 7480             |          |
amd-rx-7600s-8gb                  | AMD Radeon RX 7600S           | rdna3  | 28 | 256  | -   | 4x8  | 7480             |          |
amd-rx-7400-8gb                   | AMD Radeon RX 7400            | rdna3  | -  | -    | -   | 4x8  | 7499             |          |
amd-radeon-pro-w7900-48gb         | AMD Radeon PRO W7900          | rdna3  | 96 | 864  | 295 | 4x16 | 7448, 744a       | ecc      | Radeon PRO W7900 Dual Slot, W7900
amd-radeon-pro-w7900d-48gb        | AMD Radeon PRO W7900D         | rdna3  | -  | -    | -   | 4x16 | 744b             | ecc      |
amd-radeon-pro-w7800-48gb         | AMD Radeon PRO W7800 48GB     | rdna3  | 70 | 864  | 281 | 4x16 | 7449             | ecc      |
amd-radeon-pro-w7800-32gb         | AMD Radeon PRO W7800          | rdna3  | 70 | 576  | 260 | 4x16 | 745e             | ecc      | W7800
amd-radeon-pro-w7700-16gb         | AMD Radeon PRO W7700          | rdna3  | 48 | 576  | 190 | 4x16 | 7470             | ecc      | W7700
amd-radeon-pro-w7600-8gb          | AMD Radeon PRO W7600          | rdna3  | 32 | 288  | 130 | 4x8  | 7480             |          | W7600
amd-radeon-pro-w7500-8gb          | AMD Radeon PRO W7500          | rdna3  | 28 | 172  | 70  | 4x8  | 7489             |          | W7500
amd-radeon-pro-v710-28gb          | AMD Radeon PRO V710           | rdna3  | 54 | -    | 158 | 4x16 | 7460, 7461       | ecc      |
amd-rx-6950-xt-16gb               | AMD Radeon RX 6950 XT         | rdna2  | 80 | 576  | 335 | 4x16 | 73a5             |          |
amd-rx-6900-xt-16gb               | AMD Radeon RX 6900 XT         | rdna2  | 80 | 512  | 300 | 4x16 | 73bf, 73af       |          |
amd-rx-6800-xt-16gb               | AMD Radeon RX 6800 XT         | rdna2  | 72 | 512  | 300 | 4x16 | 73bf             |          |
amd-rx-6800-16gb                  | AMD Radeon RX 6800            | rdna2  | 60 | 512  | 250 | 4x16 | 73bf             |          |
amd-rx-6750-xt-12gb               | AMD Radeon RX 6750 XT         | rdna2  | 40 | 432  | 250 | 4x16 | 73df             |          |
amd-rx-6700-xt-12gb               | AMD Radeon RX 6700 XT         | rdna2  | 40 | 384  | 230 | 4x16 | 73df             |          |
amd-rx-6700-10gb                  | AMD Radeon RX 6700            | rdna2  | 36 | 320  | 175 | 4x16 | 73df             |          |
amd-rx-6850m-xt-12gb              | AMD Radeon RX 6850M XT        | rdna2  | 40 | -    | -   | 4x16 | 73df             |          |
amd-rx-6800m-12gb                 | AMD Radeon RX 6800M           | rdna2  | 40 | 384  | -   | 4x16 | 73df             |          |
amd-rx-6700m-10gb                 | AMD Radeon RX 6700M           | rdna2  | 36 | 320  | -   | 4x16 | 73df             |          |
amd-rx-6650-xt-8gb                | AMD Radeon RX 6650 XT         | rdna2  | 32 | 280  | 180 | 4x8  | 73ef             |          |
amd-rx-6600-xt-8gb                | AMD Radeon RX 6600 XT         | rdna2  | 32 | 256  | 160 | 4x8  | 73ff             |          |
amd-rx-6600-8gb                   | AMD Radeon RX 6600            | rdna2  | 28 | 224  | 132 | 4x8  | 73ff             |          |
amd-rx-6800s-8gb                  | AMD Radeon RX 6800S           | rdna2  | 32 | 256  | -   | 4x8  | 73ef             |          |
amd-rx-6700s-8gb                  | AMD Radeon RX 6700S           | rdna2  | 28 | 224  | -   | 4x8  | 73ef             |          |
amd-rx-6600m-8gb                  | AMD Radeon RX 6600M           | rdna2  | 28 | 224  | -   | 4x8  | 73ff             |          |
amd-rx-6500-xt-4gb                | AMD Radeon RX 6500 XT         | rdna2  | 16 | 144  | 107 | 4x4  | 743f             |          |
amd-rx-6500-xt-8gb                | AMD Radeon RX 6500 XT         | rdna2  | 16 | 144  | -   | 4x4  | 743f             |          |
amd-rx-6400-4gb                   | AMD Radeon RX 6400            | rdna2  | 12 | 128  | 53  | 4x4  | 743f             |          |
amd-rx-6500m-4gb                  | AMD Radeon RX 6500M           | rdna2  | 16 | 144  | -   | 4x4  | 743f             |          |
amd-rx-6300-2gb                   | AMD Radeon RX 6300            | rdna2  | 12 | 64   | 32  | 4x4  | 7424             |          |
amd-radeon-pro-w6900x-32gb        | AMD Radeon Pro W6900X         | rdna2  | 80 | 512  | -   | 4x16 | 73a2             |          |
amd-radeon-pro-w6800x-32gb        | AMD Radeon Pro W6800X         | rdna2  | 60 | 512  | -   | 4x16 | 73ab             |          | Radeon Pro W6800X Duo
amd-radeon-pro-w6800-32gb         | AMD Radeon PRO W6800          | rdna2  | 60 | 512  | 250 | 4x16 | 73a3             | ecc      | W6800
amd-radeon-pro-w6600-8gb          | AMD Radeon PRO W6600          | rdna2  | 28 | 224  | 100 | 4x8  | 73e3             |          | W6600
amd-radeon-pro-w6600m-8gb         | AMD Radeon PRO W6600M         | rdna2  | 28 | 224  | -   | 4x8  | 73e1             |          |
amd-radeon-pro-w6500m-4gb         | AMD Radeon PRO W6500M         | rdna2  | 16 | 144  | -   | 4x4  | 7421             |          |
amd-radeon-pro-w6400-4gb          | AMD Radeon PRO W6400          | rdna2  | 12 | 128  | 50  | 4x4  | 7422             |          | W6400
amd-radeon-pro-w6300-2gb          | AMD Radeon PRO W6300          | rdna2  | 12 | 64   | 25  | 4x4  | 7423             |          |
amd-radeon-pro-v620-32gb          | AMD Radeon PRO V620           | rdna2  | 72 | 512  | 300 | 4x16 | 73a1, 73ae       | ecc      |
amd-rx-5700-xt-8gb                | AMD Radeon RX 5700 XT         | rdna1  | 40 | 448  | 225 | 4x16 | 731f             |          |
amd-rx-5700-8gb                   | AMD Radeon RX 5700            | rdna1  | 36 | 448  | 180 | 4x16 | 731f             |          |
amd-rx-5600-xt-6gb                | AMD Radeon RX 5600 XT         | rdna1  | 36 | -    | 150 | 4x16 | 731f             |          |
amd-rx-5500-xt-8gb                | AMD Radeon RX 5500 XT         | rdna1  | 22 | 224  | 130 | 4x8  | 7340             |          |
amd-rx-5500-xt-4gb                | AMD Radeon RX 5500 XT         | rdna1  | 22 | 224  | 130 | 4x8  | 7340             |          |
amd-rx-5500m-4gb                  | AMD Radeon RX 5500M           | rdna1  | 22 | 224  | -   | 4x8  | 7340             |          |
amd-radeon-pro-w5700-8gb          | AMD Radeon Pro W5700          | rdna1  | 36 | 448  | 205 | 4x16 | 7312             |          |
amd-radeon-pro-w5700x-16gb        | AMD Radeon Pro W5700X         | rdna1  | 40 | 448  | -   | 4x16 | 7310             |          |
amd-radeon-pro-w5500-8gb          | AMD Radeon Pro W5500          | rdna1  | 22 | 224  | 125 | 4x8  | 7341             |          |
amd-radeon-pro-w5500m-4gb         | AMD Radeon Pro W5500M         | rdna1  | 22 | 224  | -   | 4x8  | 7347             |          |
amd-radeon-pro-w5300m-4gb         | AMD Radeon Pro W5300M         | rdna1  | -  | -    | -   | 4x8  | 734f             |          |
amd-radeon-pro-5700-xt-16gb       | AMD Radeon Pro 5700 XT        | rdna1  | 40 | -    | -   | 4x16 | 7319             |          |
amd-radeon-pro-5700-8gb           | AMD Radeon Pro 5700           | rdna1  | 36 | -    | -   | 4x16 | 731b             |          |
amd-radeon-pro-5600m-8gb          | AMD Radeon Pro 5600M          | rdna1  | 40 | 394  | -   | 4x16 | 7360             |          |
amd-radeon-pro-5300-4gb           | AMD Radeon Pro 5300           | rdna1  | -  | -    | -   | 4x8  | 7340             |          |
amd-radeon-pro-v520-8gb           | AMD Radeon Pro V520           | rdna1  | 36 | 512  | 225 | 4x16 | 7362, 7360       |          |
amd-rx-590-8gb                    | AMD Radeon RX 590             | gcn    | 36 | 256  | 225 | 3x16 | 67df             |          |
amd-rx-580-8gb                    | AMD Radeon RX 580             | gcn    | 36 | 256  | 185 | 3x16 | 67df             |          |
amd-rx-580-4gb                    | AMD Radeon RX 580             | gcn    | 36 | 256  | 185 | 3x16 | 67df             |          |
amd-rx-580-2048sp-8gb             | AMD Radeon RX 580 2048SP      | gcn    | 32 | -    | -   | 3x16 | 6fdf             |          |
amd-rx-570-8gb                    | AMD Radeon RX 570             | gcn    | 32 | 224  | 150 | 3x16 | 67df             |          |
amd-rx-570-4gb                    | AMD Radeon RX 570             | gcn    | 32 | 224  | 150 | 3x16 | 67df             |          |
amd-rx-480-8gb                    | AMD Radeon RX 480             | gcn    | 36 | 256  | 150 | 3x16 | 67df             |          |
amd-rx-470-4gb                    | AMD Radeon RX 470             | gcn    | 32 | 211  | 120 | 3x16 | 67df             |          |
amd-rx-560-4gb                    | AMD Radeon RX 560             | gcn    | -  | 112  | -   | 3x8  | 67ef, 67ff       |          |
amd-rx-550-4gb                    | AMD Radeon RX 550             | gcn    | -  | 112  | 50  | 3x8  | 699f, 67ff       |          |
amd-rx-550-2gb                    | AMD Radeon RX 550             | gcn    | -  | 112  | 50  | 3x8  | 699f             |          |
amd-radeon-540x-2gb               | AMD Radeon 540X               | gcn    | 8  | -    | -   | 3x8  | 6987, 699f       |          |
amd-rx-460-4gb                    | AMD Radeon RX 460             | gcn    | 14 | 112  | 75  | 3x8  | 67ef             |          |
amd-radeon-pro-wx-7100-8gb        | AMD Radeon Pro WX 7100        | gcn    | 36 | 224  | 130 | 3x16 | 67c4, 67d4       |          |
amd-radeon-pro-wx-7100-laptop-8gb | AMD Radeon Pro WX 7100 Mobile | gcn    | 36 | -    | -   | 3x16 | 67c0             |          |
amd-radeon-pro-wx-5100-8gb        | AMD Radeon Pro WX 5100        | gcn    | 28 | 160  | 75  | 3x16 | 67c7, 67d7       |          |
amd-radeon-pro-wx-4170-4gb        | AMD Radeon Pro WX 4170        | gcn    | 16 | -    | -   | 3x8  | 67e0             |          |
amd-radeon-pro-wx-4150-4gb        | AMD Radeon Pro WX 4150        | gcn    | 14 | -    | -   | 3x8  | 67e8             |          |
amd-radeon-pro-wx-4100-4gb        | AMD Radeon Pro WX 4100        | gcn    | 16 | 96   | 50  | 3x8  | 67e3             |          |
amd-radeon-pro-wx-3200-4gb        | AMD Radeon Pro WX 3200        | gcn    | 10 | -    | -   | 3x8  | 6981             |          |
amd-radeon-pro-wx-3100-4gb        | AMD Radeon Pro WX 3100        | gcn    | 8  | 96   | -   | 3x8  | 6985, 698f       |          |
amd-radeon-pro-wx-2100-2gb        | AMD Radeon Pro WX 2100        | gcn    | 8  | 48   | 35  | 3x8  | 6995             |          |
amd-r9-fury-x-4gb                 | AMD Radeon R9 Fury X          | gcn    | 64 | 512  | 275 | 3x16 | 7300             |          |
amd-r9-fury-4gb                   | AMD Radeon R9 Fury            | gcn    | 56 | 512  | 275 | 3x16 | 7300             |          |
amd-r9-nano-4gb                   | AMD Radeon R9 Nano            | gcn    | 64 | 512  | 175 | 3x16 | 7300             |          |
amd-r9-390x-8gb                   | AMD Radeon R9 390X            | gcn    | 44 | 384  | 275 | 3x16 | 67b0             |          |
amd-r9-390-8gb                    | AMD Radeon R9 390             | gcn    | 40 | 384  | 275 | 3x16 | 67b1             |          |
amd-r9-290x-4gb                   | AMD Radeon R9 290X            | gcn    | 44 | 320  | -   | 3x16 | 67b0             |          |
amd-r9-290-4gb                    | AMD Radeon R9 290             | gcn    | 40 | 320  | -   | 3x16 | 67b1             |          |
amd-r9-380x-4gb                   | AMD Radeon R9 380X            | gcn    | 32 | 182  | 190 | 3x16 | 6938             |          |
amd-r9-380-4gb                    | AMD Radeon R9 380             | gcn    | 28 | 182  | 190 | 3x16 | 6939, 6930       |          |
amd-firepro-s7150-8gb             | AMD FirePro S7150             | gcn    | 32 | 160  | 150 | 3x16 | 6929             | ecc      |
`;

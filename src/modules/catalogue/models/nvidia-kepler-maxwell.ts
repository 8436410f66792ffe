/** Kepler (2012) and Maxwell (2014): past CUDA 12, still met in old rigs. Read by `readTable`. */
export const nvidiaKeplerMaxwell = `
id                             | name                           | family        | SM | GB/s | W   | PCIe | PCI ids                | features | also called
nvidia-gtx-680-2gb             | NVIDIA GeForce GTX 680         | kepler-gk104  | 8  | 192  | 195 | 3x16 | 1180                   |          |
nvidia-gtx-770-2gb             | NVIDIA GeForce GTX 770         | kepler-gk104  | 8  | 224  | 230 | 3x16 | 1184                   |          |
nvidia-gtx-760-2gb             | NVIDIA GeForce GTX 760         | kepler-gk104  | 6  | 192  | 170 | 3x16 | 1187, 1191             |          |
nvidia-gtx-670-2gb             | NVIDIA GeForce GTX 670         | kepler-gk104  | 7  | 192  | 170 | 3x16 | 1189                   |          |
nvidia-gtx-660-ti-2gb          | NVIDIA GeForce GTX 660 Ti      | kepler-gk104  | 7  | 144  | 150 | 3x16 | 1183                   |          |
nvidia-gtx-660-2gb             | NVIDIA GeForce GTX 660         | kepler-gk104  | 5  | 144  | 140 | 3x16 | 11c0                   |          |
nvidia-gtx-650-ti-1gb          | NVIDIA GeForce GTX 650 Ti      | kepler-gk104  | 4  | 86   | 110 | 3x16 | 11c6                   |          |
nvidia-gtx-650-1gb             | NVIDIA GeForce GTX 650         | kepler-gk104  | 2  | 80   | 64  | 3x16 | 0fc6                   |          |
nvidia-gt-740-1gb              | NVIDIA GeForce GT 740          | kepler-gk104  | 2  | 80   | 64  | 3x16 | 0fc8                   |          |
nvidia-quadro-k5000-4gb        | Quadro K5000                   | kepler-gk104  | 8  | 173  | 122 | 2x16 | 11ba                   | ecc      |
nvidia-quadro-k4200-4gb        | Quadro K4200                   | kepler-gk104  | 7  | 173  | 108 | 2x16 | 11b4                   |          |
nvidia-quadro-k4000-3gb        | Quadro K4000                   | kepler-gk104  | 4  | 134  | 80  | 2x16 | 11fa                   |          |
nvidia-quadro-k2000-2gb        | Quadro K2000                   | kepler-gk104  | 2  | 64   | 51  | 2x16 | 0ffe                   |          |
nvidia-quadro-k600-1gb         | Quadro K600                    | kepler-gk104  | 1  | 29   | 41  | 2x16 | 0ffa                   |          |
nvidia-quadro-k420-1gb         | Quadro K420                    | kepler-gk104  | 1  | 29   | 41  | 2x16 | 0ff3                   |          |
nvidia-grid-k520-4gb           | GRID K520                      | kepler-gk104  | 8  | 160  | -   | 3x16 | 118a                   |          |
nvidia-grid-k2-4gb             | GRID K2                        | kepler-gk104  | 8  | 160  | -   | 3x16 | 11bf                   |          |
nvidia-grid-k1-4gb             | GRID K1                        | kepler-gk104  | 1  | 29   | -   | 3x16 | 0ff2                   |          |
nvidia-k10-4gb                 | Tesla K10                      | kepler-gk104  | 8  | 160  | -   | 3x16 | 118f                   | ecc      |
nvidia-gtx-titan-6gb           | NVIDIA GeForce GTX TITAN       | kepler-gk110  | 14 | 288  | 250 | 3x16 | 1005                   |          |
nvidia-gtx-titan-black-6gb     | NVIDIA GeForce GTX TITAN Black | kepler-gk110  | 15 | 336  | 250 | 3x16 | 100c                   |          |
nvidia-gtx-titan-z-6gb         | NVIDIA GeForce GTX TITAN Z     | kepler-gk110  | 15 | 336  | -   | 3x16 | 1001                   |          |
nvidia-gtx-780-ti-3gb          | NVIDIA GeForce GTX 780 Ti      | kepler-gk110  | 15 | 336  | 250 | 3x16 | 100a                   |          |
nvidia-gtx-780-3gb             | NVIDIA GeForce GTX 780         | kepler-gk110  | 12 | 288  | 250 | 3x16 | 1004, 1007             |          |
nvidia-gt-710-1gb              | NVIDIA GeForce GT 710          | kepler-gk110  | 1  | 14   | 19  | 2x8  | 128b, 1281             |          |
nvidia-gt-710-2gb              | NVIDIA GeForce GT 710          | kepler-gk110  | 1  | 14   | 19  | 2x8  | 128b                   |          |
nvidia-gt-730-2gb              | NVIDIA GeForce GT 730          | kepler-gk110  | -  | -    | -   | 2x8  | 1287                   |          |
nvidia-quadro-k6000-12gb       | Quadro K6000                   | kepler-gk110  | 15 | 288  | 225 | 3x16 | 103a                   | ecc      |
nvidia-quadro-k5200-8gb        | Quadro K5200                   | kepler-gk110  | 12 | 192  | 150 | 3x16 | 103c                   | ecc      |
nvidia-k40m-12gb               | Tesla K40m                     | kepler-gk110  | 15 | 288  | 235 | 3x16 | 1023                   | ecc      | Tesla K40
nvidia-k40c-12gb               | Tesla K40c                     | kepler-gk110  | 15 | 288  | 235 | 3x16 | 1024                   | ecc      |
nvidia-k20x-6gb                | Tesla K20X                     | kepler-gk110  | 14 | 250  | 235 | 2x16 | 1020, 1021, 101e       | ecc      | Tesla K20Xm
nvidia-k20m-5gb                | Tesla K20m                     | kepler-gk110  | 13 | 208  | 225 | 2x16 | 1028                   | ecc      | Tesla K20
nvidia-k20c-5gb                | Tesla K20c                     | kepler-gk110  | 13 | 208  | 225 | 2x16 | 1022                   | ecc      |
nvidia-k80-12gb                | Tesla K80                      | kepler-gk210  | 13 | 240  | -   | 3x16 | 102d                   | ecc      |
nvidia-gtx-750-ti-2gb          | NVIDIA GeForce GTX 750 Ti      | maxwell-gm107 | 5  | 86   | 60  | 3x16 | 1380                   |          |
nvidia-gtx-750-1gb             | NVIDIA GeForce GTX 750         | maxwell-gm107 | 4  | 80   | 55  | 3x16 | 1381                   |          |
nvidia-gtx-745-4gb             | NVIDIA GeForce GTX 745         | maxwell-gm107 | 3  | 29   | 55  | 3x16 | 1382                   |          |
nvidia-gtx-960m-2gb            | NVIDIA GeForce GTX 960M        | maxwell-gm107 | 5  | 80   | -   | 3x16 | 139b                   |          |
nvidia-gtx-960m-4gb            | NVIDIA GeForce GTX 960M        | maxwell-gm107 | 5  | 80   | -   | 3x16 | 139b                   |          |
nvidia-gtx-950m-2gb            | NVIDIA GeForce GTX 950M        | maxwell-gm107 | 5  | -    | -   | 3x16 | 139a                   |          |
nvidia-gtx-860m-2gb            | NVIDIA GeForce GTX 860M        | maxwell-gm107 | 5  | 80   | -   | 3x16 | 1392                   |          |
nvidia-gtx-850m-2gb            | NVIDIA GeForce GTX 850M        | maxwell-gm107 | 5  | -    | -   | 3x16 | 1391                   |          |
nvidia-940mx-2gb               | NVIDIA GeForce 940MX           | maxwell-gm107 | -  | -    | -   | 3x4  | 134b, 134d, 179c       |          |
nvidia-930mx-2gb               | NVIDIA GeForce 930MX           | maxwell-gm107 | -  | -    | -   | 3x4  | 134e                   |          |
nvidia-920mx-2gb               | NVIDIA GeForce 920MX           | maxwell-gm107 | -  | -    | -   | 3x4  | 134f                   |          |
nvidia-mx130-2gb               | NVIDIA GeForce MX130           | maxwell-gm107 | -  | -    | -   | 3x4  | 174d                   |          |
nvidia-mx110-2gb               | NVIDIA GeForce MX110           | maxwell-gm107 | -  | -    | -   | 3x4  | 174e                   |          |
nvidia-quadro-k2200-4gb        | Quadro K2200                   | maxwell-gm107 | 5  | 80   | 68  | 2x16 | 13ba                   |          |
nvidia-quadro-k1200-4gb        | Quadro K1200                   | maxwell-gm107 | 4  | 80   | 45  | 2x16 | 13bc                   |          |
nvidia-quadro-k620-2gb         | Quadro K620                    | maxwell-gm107 | 3  | 29   | 41  | 2x16 | 13bb                   |          |
nvidia-quadro-m2000m-4gb       | Quadro M2000M                  | maxwell-gm107 | 5  | 80   | 55  | 3x16 | 13b0                   |          |
nvidia-quadro-m1000m-2gb       | Quadro M1000M                  | maxwell-gm107 | 4  | 80   | 40  | 3x16 | 13b1                   |          |
nvidia-quadro-m1200-laptop-4gb | Quadro M1200                   | maxwell-gm107 | 5  | 80   | 45  | 3x16 | 13b6                   |          | Quadro M1200 Mobile
nvidia-quadro-m620-laptop-2gb  | Quadro M620                    | maxwell-gm107 | 4  | 80   | 30  | 3x16 | 13b4                   |          | Quadro M620 Mobile
nvidia-m10-8gb                 | Tesla M10                      | maxwell-gm107 | 5  | 83   | -   | 3x16 | 13bd                   |          |
nvidia-gtx-titan-x-12gb        | NVIDIA GeForce GTX TITAN X     | maxwell-gm200 | 24 | 336  | 250 | 3x16 | 17c2                   |          |
nvidia-gtx-980-ti-6gb          | NVIDIA GeForce GTX 980 Ti      | maxwell-gm200 | 22 | 336  | 250 | 3x16 | 17c8                   |          |
nvidia-gtx-980-4gb             | NVIDIA GeForce GTX 980         | maxwell-gm200 | 16 | 224  | 165 | 3x16 | 13c0                   |          |
nvidia-gtx-970-4gb             | NVIDIA GeForce GTX 970         | maxwell-gm200 | 13 | 224  | 145 | 3x16 | 13c2                   |          |
nvidia-gtx-960-2gb             | NVIDIA GeForce GTX 960         | maxwell-gm200 | 8  | 112  | 120 | 3x16 | 1401                   |          |
nvidia-gtx-960-4gb             | NVIDIA GeForce GTX 960         | maxwell-gm200 | 8  | 112  | 120 | 3x16 | 1401, 1406             |          |
nvidia-gtx-950-2gb             | NVIDIA GeForce GTX 950         | maxwell-gm200 | 6  | 106  | 90  | 3x16 | 1402                   |          |
nvidia-gtx-980-laptop-8gb      | NVIDIA GeForce GTX 980 Mobile  | maxwell-gm200 | 16 | 224  | -   | 3x16 | 13da, 161a             |          |
nvidia-gtx-980m-8gb            | NVIDIA GeForce GTX 980M        | maxwell-gm200 | 12 | 160  | -   | 3x16 | 13d7, 1617             |          |
nvidia-gtx-980m-4gb            | NVIDIA GeForce GTX 980M        | maxwell-gm200 | 12 | 160  | -   | 3x16 | 13d7, 1617             |          |
nvidia-gtx-970m-6gb            | NVIDIA GeForce GTX 970M        | maxwell-gm200 | 10 | 120  | -   | 3x16 | 13d8, 1618             |          |
nvidia-gtx-970m-3gb            | NVIDIA GeForce GTX 970M        | maxwell-gm200 | 10 | 120  | -   | 3x16 | 13d8, 1618             |          |
nvidia-gtx-965m-2gb            | NVIDIA GeForce GTX 965M        | maxwell-gm200 | 8  | 80   | -   | 3x16 | 13d9, 1427, 1619, 1667 |          |
nvidia-gtx-965m-4gb            | NVIDIA GeForce GTX 965M        | maxwell-gm200 | 8  | 80   | -   | 3x16 | 13d9, 1427, 1619, 1667 |          |
nvidia-quadro-m6000-12gb       | Quadro M6000                   | maxwell-gm200 | 24 | 317  | 250 | 3x16 | 17f0                   | ecc      |
nvidia-quadro-m6000-24gb       | Quadro M6000 24GB              | maxwell-gm200 | 24 | 317  | 250 | 3x16 | 17f1                   | ecc      |
nvidia-quadro-m5000-8gb        | Quadro M5000                   | maxwell-gm200 | 16 | 211  | 150 | 3x16 | 13f0                   | ecc      |
nvidia-quadro-m4000-8gb        | Quadro M4000                   | maxwell-gm200 | 13 | 192  | 120 | 3x16 | 13f1                   |          |
nvidia-quadro-m2000-4gb        | Quadro M2000                   | maxwell-gm200 | 6  | 106  | 75  | 3x16 | 1430                   |          |
nvidia-quadro-m5500-8gb        | Quadro M5500                   | maxwell-gm200 | 16 | 211  | 150 | 3x16 | 13fb                   |          |
nvidia-quadro-m5000m-8gb       | Quadro M5000M                  | maxwell-gm200 | 12 | 160  | 100 | 3x16 | 13f8                   |          |
nvidia-quadro-m4000m-4gb       | Quadro M4000M                  | maxwell-gm200 | 10 | 160  | 100 | 3x16 | 13f9                   |          |
nvidia-quadro-m3000m-4gb       | Quadro M3000M                  | maxwell-gm200 | 8  | 160  | 75  | 3x16 | 13fa                   |          |
nvidia-quadro-m2200-laptop-4gb | Quadro M2200                   | maxwell-gm200 | 8  | 88   | 55  | 3x16 | 1436                   |          | Quadro M2200 Mobile
nvidia-m60-8gb                 | Tesla M60                      | maxwell-gm200 | 16 | 160  | -   | 3x16 | 13f2                   | ecc      |
nvidia-m40-12gb                | Tesla M40                      | maxwell-gm200 | 24 | 288  | 250 | 3x16 | 17fd                   | ecc      |
nvidia-m40-24gb                | Tesla M40 24GB                 | maxwell-gm200 | 24 | 288  | 250 | 3x16 | 17fd                   | ecc      |
nvidia-m6-8gb                  | Tesla M6                       | maxwell-gm200 | 12 | 147  | 100 | 3x16 | 13f3                   | ecc      |
nvidia-m4-4gb                  | Tesla M4                       | maxwell-gm200 | 8  | 88   | 75  | 3x16 | 1431                   | ecc      |
`;

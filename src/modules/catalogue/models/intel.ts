/** Intel Arc and Data Center GPU. SM counts Xe cores; a Flex 140 is two devices to the driver. Read by `readTable`. */
export const intel = `
id                     | name                           | family  | SM  | GB/s | W   | PCIe | PCI ids          | features | also called
intel-max-1550-128gb   | Intel Data Center GPU Max 1550 | xe-hpc  | 128 | 3277 | 600 | 5x16 | 0bd5, 0bd6, 0bd4 |          |
intel-max-1350-96gb    | Intel Data Center GPU Max 1350 | xe-hpc  | 112 | 2457 | 450 | 5x16 | 0bd7, 0bd8       |          |
intel-max-1100-48gb    | Intel Data Center GPU Max 1100 | xe-hpc  | 56  | 1229 | 300 | 5x16 | 0bd9, 0bda, 0bdb |          |
intel-arc-b580-12gb    | Intel Arc B580                 | xe2-hpg | 20  | 456  | 190 | 4x8  | e20b             |          |
intel-arc-b570-10gb    | Intel Arc B570                 | xe2-hpg | 18  | 380  | 150 | 4x8  | e20c             |          |
intel-arc-pro-b70-32gb | Intel Arc Pro B70              | xe2-hpg | 32  | -    | -   | 5x16 | e223             |          |
intel-arc-pro-b65-32gb | Intel Arc Pro B65              | xe2-hpg | -   | -    | -   | 5x16 | e222             |          |
intel-arc-pro-b60-24gb | Intel Arc Pro B60              | xe2-hpg | 20  | 456  | 200 | 5x8  | e211             |          |
intel-arc-pro-b50-16gb | Intel Arc Pro B50              | xe2-hpg | 16  | 224  | 70  | 5x8  | e212             |          |
intel-flex-170-16gb    | Intel Data Center GPU Flex 170 | xe-hpg  | 32  | 576  | 150 | 4x16 | 56c0             | ecc      |
intel-flex-140-6gb     | Intel Data Center GPU Flex 140 | xe-hpg  | 8   | -    | -   | 4x8  | 56c1             | ecc      |
intel-arc-a770-16gb    | Intel Arc A770                 | xe-hpg  | 32  | 560  | 225 | 4x16 | 56a0             |          |
intel-arc-a770-8gb     | Intel Arc A770                 | xe-hpg  | 32  | 512  | 225 | 4x16 | 56a0             |          |
intel-arc-a750-8gb     | Intel Arc A750                 | xe-hpg  | 28  | 512  | 225 | 4x16 | 56a1, 56be       |          |
intel-arc-a580-8gb     | Intel Arc A580                 | xe-hpg  | 24  | 512  | 185 | 4x16 | 56a2, 56bf       |          |
intel-arc-a380-6gb     | Intel Arc A380                 | xe-hpg  | 8   | 186  | 75  | 4x8  | 56a5, 56ba       |          |
intel-arc-a310-4gb     | Intel Arc A310                 | xe-hpg  | 6   | 124  | 75  | 4x8  | 56a6, 56bb       |          |
intel-arc-a770m-16gb   | Intel Arc A770M                | xe-hpg  | 32  | 512  | -   | 4x16 | 5690             |          |
intel-arc-a730m-12gb   | Intel Arc A730M                | xe-hpg  | 24  | 336  | -   | 4x16 | 5691             |          |
intel-arc-a570m-8gb    | Intel Arc A570M                | xe-hpg  | 16  | -    | -   | 4x8  | 5696             |          |
intel-arc-a550m-8gb    | Intel Arc A550M                | xe-hpg  | 16  | 224  | -   | 4x8  | 5692             |          |
intel-arc-a530m-8gb    | Intel Arc A530M                | xe-hpg  | 12  | -    | -   | 4x8  | 5697             |          |
intel-arc-a530m-4gb    | Intel Arc A530M                | xe-hpg  | 12  | -    | -   | 4x8  | 5697             |          |
intel-arc-a370m-4gb    | Intel Arc A370M                | xe-hpg  | 8   | 112  | -   | 4x8  | 5693, 56bc       |          |
intel-arc-a350m-4gb    | Intel Arc A350M                | xe-hpg  | 6   | 112  | -   | 4x8  | 5694, 56bd       |          |
intel-arc-pro-a60-12gb | Intel Arc Pro A60              | xe-hpg  | 16  | 384  | 130 | 4x8  | 56b3             |          |
intel-arc-pro-a60m-8gb | Intel Arc Pro A60M             | xe-hpg  | 16  | 256  | -   | 4x8  | 56b2             |          |
intel-arc-pro-a50-6gb  | Intel Arc Pro A50              | xe-hpg  | 8   | 192  | 75  | 4x8  | 56b1             |          |
intel-arc-pro-a40-6gb  | Intel Arc Pro A40              | xe-hpg  | 8   | 192  | 50  | 4x8  | 56b1             |          |
intel-arc-pro-a30m-4gb | Intel Arc Pro A30M             | xe-hpg  | 8   | 112  | -   | 4x8  | 56b0             |          |
`;

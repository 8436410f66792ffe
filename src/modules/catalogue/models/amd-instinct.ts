/** AMD Instinct. SM counts compute units. An MI250 is two devices to the driver, hence also a 64 GB row. Read by `readTable`. */
export const amdInstinct = `
id                          | name                             | family | SM  | GB/s | W    | PCIe | PCI ids                | features | also called
amd-mi355x-288gb            | AMD Instinct MI355X              | cdna4  | 256 | 8000 | 1400 | 5x16 | 75a3                   |          |
amd-mi350x-288gb            | AMD Instinct MI350X              | cdna4  | 256 | 8000 | 1000 | 5x16 | 75a0                   |          |
amd-mi325x-256gb            | AMD Instinct MI325X              | cdna3  | 304 | 6000 | 1000 | 5x16 | 74a5, 74b9             |          |
amd-mi300x-192gb            | AMD Instinct MI300X              | cdna3  | 304 | 5300 | 750  | 5x16 | 74a1, 74b5, 74a9, 74bd |          | MI300X OAM
amd-mi300a-128gb            | AMD Instinct MI300A              | cdna3  | 228 | 5300 | 550  | -    | 74a0                   |          |
amd-mi308x-192gb            | AMD Instinct MI308X              | cdna3  | -   | 5300 | -    | 5x16 | 74a2                   |          |
amd-mi250x-64gb             | AMD Instinct MI250X              | cdna2  | 110 | 1638 | -    | 4x16 | 7408, 740c             |          |
amd-mi250x-128gb            | AMD Instinct MI250X              | cdna2  | 220 | 3277 | 560  | 4x16 | 7408, 740c             |          |
amd-mi250-64gb              | AMD Instinct MI250               | cdna2  | 104 | 1638 | -    | 4x16 | 740c                   |          |
amd-mi250-128gb             | AMD Instinct MI250               | cdna2  | 208 | 3277 | 560  | 4x16 | 740c                   |          |
amd-mi210-64gb              | AMD Instinct MI210               | cdna2  | 104 | 1638 | 300  | 4x16 | 740f                   |          |
amd-mi100-32gb              | AMD Instinct MI100               | cdna   | 120 | 1229 | 290  | 4x16 | 738c, 738e             |          |
amd-mi60-32gb               | AMD Radeon Instinct MI60         | vega20 | 64  | 1024 | 300  | 4x16 | 66a1, 66a0             |          |
amd-mi50-32gb               | AMD Radeon Instinct MI50 32GB    | vega20 | 60  | 1024 | 300  | 4x16 | 66a1, 66a0             |          |
amd-mi50-16gb               | AMD Radeon Instinct MI50         | vega20 | 60  | 1024 | 300  | 4x16 | 66a1                   |          |
amd-radeon-pro-vii-16gb     | AMD Radeon Pro VII               | vega20 | 60  | 1024 | 250  | 4x16 | 66a1                   |          |
amd-radeon-pro-vega-ii-32gb | AMD Radeon Pro Vega II           | vega20 | 64  | 1024 | 475  | 3x16 | 66a3                   |          |
amd-radeon-vii-16gb         | AMD Radeon VII                   | vega20 | 60  | 1024 | 300  | 3x16 | 66af                   |          |
amd-mi25-16gb               | AMD Radeon Instinct MI25         | vega10 | 64  | 484  | 300  | 3x16 | 6860, 6864, 686c       | ecc      |
amd-radeon-vega-fe-16gb     | AMD Radeon Vega Frontier Edition | vega10 | 64  | 484  | 300  | 3x16 | 6863                   |          |
amd-rx-vega-64-8gb          | AMD Radeon RX Vega 64            | vega10 | 64  | 484  | 295  | 3x16 | 687f                   |          |
amd-rx-vega-56-8gb          | AMD Radeon RX Vega 56            | vega10 | 56  | 410  | 210  | 3x16 | 687f                   |          |
amd-radeon-pro-wx-9100-16gb | AMD Radeon Pro WX 9100           | vega10 | 64  | 484  | 230  | 3x16 | 6861                   | ecc      |
amd-radeon-pro-wx-8200-8gb  | AMD Radeon Pro WX 8200           | vega10 | 56  | 512  | 230  | 3x16 | 6868                   | ecc      |
amd-radeon-pro-vega-64-16gb | AMD Radeon Pro Vega 64           | vega10 | 64  | -    | -    | 3x16 | 686b                   |          | Radeon Pro Vega 64X
amd-radeon-pro-vega-56-8gb  | AMD Radeon Pro Vega 56           | vega10 | 56  | -    | -    | 3x16 | 6867                   |          |
amd-radeon-pro-v340-16gb    | AMD Radeon Pro V340              | vega10 | 56  | 484  | -    | 3x16 | 6864                   | ecc      |
amd-radeon-pro-vega-48-8gb  | AMD Radeon Pro Vega 48           | vega10 | 48  | -    | -    | 3x16 | 6869                   |          |
`;

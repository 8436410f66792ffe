/** Fewer results say too little about how far results of a model lie apart. */
const SMALLEST_SAMPLE = 8;

/** Results within 3.5 % of the median are never outliers, however alike the others are: that is noise of measuring. */
const NOISE = 0.01;

/** The score beyond which Iglewicz and Hoaglin advise to label a value an outlier. */
const THRESHOLD = 3.5;

/**
 * Whether a result lies too far from those of the same model: the modified z-score `0.6745 (x − median) / MAD`
 * exceeds 3.5 (B. Iglewicz, D. Hoaglin, "How to Detect and Handle Outliers", 1993; NIST Engineering Statistics
 * Handbook 1.3.5.17). Median and MAD, the median absolute deviation, stand up to a sample of which almost half is
 * wrong. `others` leaves the result itself out; a sample of less than 8 with it decides nothing.
 */
export function isOutlier(value: number, others: readonly number[]): boolean {
  const sample = [...others, value];
  if (sample.length < SMALLEST_SAMPLE) return false;
  const centre = median(sample);
  const deviation = median(sample.map((one) => Math.abs(one - centre)));
  const sigma = Math.max(deviation / 0.6745, NOISE * Math.abs(centre));
  return Math.abs(value - centre) > THRESHOLD * sigma;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = sorted.length % 2 ? sorted.slice(middle) : sorted.slice(middle - 1);
  return sorted.length % 2 ? low : low + (high - low) / 2;
}

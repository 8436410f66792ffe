/**
 * A function that is made when it is first called. Compiling the schemas of all routes takes most of a start, 2 s of 2.5;
 * the first request of a route then pays for its own.
 */
export function lazily<Given extends unknown[], Result>(
  make: () => (...given: Given) => Result,
): (...given: Given) => Result {
  let made: ((...given: Given) => Result) | undefined;
  return (...given) => {
    made ??= make();
    return made(...given);
  };
}

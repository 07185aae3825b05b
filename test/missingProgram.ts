/**
 * Why tests are skipped that need a program which is not here. With STF_REQUIRE=all in the environment that fails: where
 * everything is supposed to be installed, a skipped test is one that nobody knows the result of.
 *
 * @param reason undefined where the program is here
 */
export function missingProgram(reason: string | undefined): string | undefined {
  if (reason !== undefined && process.env.STF_REQUIRE === 'all') throw new Error(`STF_REQUIRE=all: ${reason}`);
  return reason;
}

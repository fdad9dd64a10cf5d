// Checks that print one line each.

let failed = 0;

export function checksOf(client) {
  return async (sentence, steps) => {
    try {
      await steps();
      console.log(`ok ${client}: ${sentence}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok ${client}: ${sentence}`);
      console.log(`  ${String(error.stack ?? error).replaceAll('\n', '\n  ')}`);
    }
  };
}

// Returns the exit status: 0 if every check passed, otherwise 1.
export const status = () => (failed === 0 ? 0 : 1);

// One line per check.

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

// The status that tells whether every check passed.
export const status = () => (failed === 0 ? 0 : 1);

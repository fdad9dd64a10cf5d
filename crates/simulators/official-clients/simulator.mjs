// Starting simulators, and their control interface.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

// Starts `tokenfleet simulate` and returns its line of JSON, extended by the control interface.
export async function simulate(provider, options = []) {
  const words = ['simulate', provider, '--tokens=0', ...options.map((option) => `--option=${option}`)];
  const program = spawn(process.env.TOKENFLEET, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const server = await new Promise((resolve, reject) => {
    createInterface({ input: program.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    program.once('exit', (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  const control = async (method, path, body) => {
    const response = await fetch(server.control + path, { method, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    ...server,
    // Adds a fault; `{ method, path, after, times }` select the requests.
    fault: (actions, which = {}) => control('POST', '/faults', { actions: [actions].flat(), ...which }),
    advance: (by) => control('PUT', '/clock', { advance: by }),
    create: (token) => control('POST', '/tokens', token),
    token: (id) => control('GET', `/tokens/${id}`),
    tokens: async () => (await control('GET', '/tokens')).tokens,
    accepts: async (secret) => (await control('POST', '/accepts', { secret })).accepts,
    // Returns the requests that the steps send.
    requests: async (steps) => {
      await control('DELETE', '/log');
      await steps();
      return (await control('GET', '/log')).entries;
    },
    // Stops the simulator by closing its standard input.
    stop: () => new Promise((resolve) => {
      program.removeAllListeners('exit');
      program.once('exit', resolve);
      program.stdin.end();
    }),
  };
}

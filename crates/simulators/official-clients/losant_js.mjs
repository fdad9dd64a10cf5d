// npm losant-rest against the Losant simulator, and every response against the package's schemas.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { checksOf, status } from './checks.mjs';
import { simulate } from './simulator.mjs';

// The packages are installed in the build directory.
const require = createRequire(process.env.NODE_PACKAGES);
const losant = require('losant-rest');
const axios = require('axios');
const Ajv = require('ajv-draft-04').default;
const addFormats = require('ajv-formats').default;

const check = checksOf('npm losant-rest');
const simulator = await simulate('losant', ['password=correct horse', 'two_factor_code=123456']);

const UNKNOWN_ID = '575ec7417ae143cd83dc4a95';
const SOON = '2999-06-13T04:00:00.000Z';

const connect = (accessToken, more = {}) =>
  losant.createClient({ url: simulator.url, accessToken, ...more });
const client = connect(simulator.credentials.token);
const tokens = client.userApiTokens;
const token = client.userApiToken;

// Returns what the client throws: an Error with the body's members and the status.
async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the client did not throw');
}

// Every response is kept, to be validated at the end.
const responses = [];
const keep = ({ config, status, data, headers }) => responses.push({
  method: config.method.toUpperCase(),
  path: new URL(config.url).pathname,
  status,
  data,
  canned: headers['x-canned'] !== undefined,
});
axios.interceptors.response.use(
  (response) => (keep(response), response),
  (error) => {
    if (error.response) keep(error.response);
    return Promise.reject(error);
  },
);

// --- Logging in

let session;
await check('a login with a two-factor code returns a user id and a valid token', async () => {
  const credentials = {
    email: 'owner@example.com', password: 'correct horse', twoFactorCode: '123456',
  };
  const response = await connect().auth.authenticateUser({ credentials });
  const members = Object.keys(response).filter((key) => !key.startsWith('_'));
  assert.deepEqual(members.sort(), ['token', 'userId']);
  session = connect(response.token);
  assert.equal((await session.userApiTokens.get()).totalCount, 0);
});

await check('a wrong password and a missing two-factor code are rejected with 401', async () => {
  for (const wrong of [
    { password: 'wrong horse', twoFactorCode: '123456' },
    { password: 'correct horse' },
  ]) {
    const credentials = { email: 'owner@example.com', ...wrong };
    const error = await rejection(connect().auth.authenticateUser({ credentials }));
    assert.equal(error.statusCode, 401);
    assert.equal(typeof error.type, 'string');
    assert.notEqual(error.message, '');
  }
});

await check('a login without a password is rejected with 400', async () => {
  const credentials = { email: 'owner@example.com' };
  const error = await rejection(connect().auth.authenticateUser({ credentials }));
  assert.equal(error.statusCode, 400);
});

await check('refreshing a session returns another valid token', async () => {
  const response = await session.me.refreshToken();
  assert.ok(await simulator.accepts(response.token));
});

// --- Creating

let created;
await check('create returns the whole record with the secret', async () => {
  created = await tokens.post({
    apiToken: {
      name: 'ci',
      description: 'for builds',
      expirationDate: SOON,
      scope: ['all.User.read'],
      status: 'active',
    },
  });
  assert.match(created.id, /^[0-9a-f]{24}$/);
  assert.equal(created.apiTokenId, created.id);
  assert.equal(created.name, 'ci');
  assert.equal(created.description, 'for builds');
  assert.equal(created.expirationDate, SOON);
  assert.deepEqual(created.scope, ['all.User.read']);
  assert.equal(created.status, 'active');
  assert.equal(created.ownerType, 'user');
  assert.equal(created.creatorType, 'user');
  assert.match(created.creationDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(created.token.split('.').length, 3);
  assert.equal(created._type, 'apiToken');
  assert.equal(created._links.self.href, `/me/tokens/${created.id}`);
});

await check('the secret authenticates within its scope', async () => {
  const reader = connect(created.token);
  assert.equal((await reader.userApiTokens.get()).totalCount, 1);
  const error = await rejection(reader.userApiTokens.post({ apiToken: { name: 'beyond the scope' } }));
  assert.equal(error.statusCode, 403);
});

await check('only a name is required: the token is active, never expires, has scope all.User', async () => {
  const bare = await tokens.post({ apiToken: { name: 'bare' } });
  assert.equal(bare.status, 'active');
  assert.equal('expirationDate' in bare, false);
  assert.deepEqual(bare.scope, ['all.User']);
});

await check('two tokens can have the same name', async () => {
  const twin = await tokens.post({ apiToken: { name: 'ci' } });
  assert.notEqual(twin.id, created.id);
  await token.delete({ apiTokenId: twin.id });
});

await check('a token that a token created names its creator', async () => {
  const maker = await tokens.post({ apiToken: { name: 'maker' } });
  const child = await connect(maker.token).userApiTokens.post({ apiToken: { name: 'child' } });
  assert.equal(child.creatorType, 'apiToken');
  assert.equal(child.creatorId, maker.id);
  for (const { id } of [maker, child]) await token.delete({ apiTokenId: id });
});

for (const [what, apiToken, message] of [
  ['no body', undefined, /^name is required$/],
  ['an empty name', { name: '' }, /^name /],
  ['a name of 256 characters', { name: 'x'.repeat(256) }, /^name has longer length than allowed$/],
  ['a name that is a number', { name: 7 }, /^name is the wrong type$/],
  ['an unknown scope', { name: 'x', scope: ['nope'] }, /^scope/],
  ['a scope with a wildcard', { name: 'x', scope: ['user*'] }, /^scope/],
  ['a repeated scope', { name: 'x', scope: ['all.User', 'all.User'] }, /^scope/],
  ['an unknown status', { name: 'x', status: 'asleep' }, /^status /],
  ['an invalid expiration date', { name: 'x', expirationDate: 'tomorrow' }, /^expirationDate /],
  ['an expiration date of null', { name: 'x', expirationDate: null }, /^expirationDate /],
  ['an unknown member', { name: 'x', bogus: 1 }, /additional properties/],
]) {
  await check(`create with ${what} is rejected with 400 Validation`, async () => {
    const error = await rejection(tokens.post({ apiToken }));
    assert.equal(error.statusCode, 400);
    assert.equal(error.type, 'Validation');
    assert.match(error.message, message);
  });
}

await check('none of the rejected tokens exists', async () => {
  assert.deepEqual((await simulator.tokens()).map(({ name }) => name).sort(), ['bare', 'ci']);
});

// --- Reading

await check('a token is returned without its secret', async () => {
  const read = await token.get({ apiTokenId: created.id });
  assert.equal('token' in read, false);
  assert.equal(read.name, 'ci');
  assert.equal(read.expirationDate, SOON);
});

await check('links can be left out', async () => {
  const read = await token.get({ apiTokenId: created.id, _links: false });
  assert.equal('_links' in read, false);
});

await check('an unknown id is rejected with 404 NotFound', async () => {
  for (const error of [
    await rejection(token.get({ apiTokenId: UNKNOWN_ID })),
    await rejection(token.patch({ apiTokenId: UNKNOWN_ID, apiToken: { name: 'x' } })),
    await rejection(token.delete({ apiTokenId: UNKNOWN_ID })),
  ]) {
    assert.equal(error.statusCode, 404);
    assert.equal(error.type, 'NotFound');
    assert.equal(error.message, 'API Token was not found');
  }
});

await check('a malformed id is rejected with 400', async () => {
  for (const apiTokenId of ['nope', 'a/b c']) {
    assert.equal((await rejection(token.get({ apiTokenId }))).statusCode, 400);
  }
});

await check('without an id this client requests the list, with a trailing slash', async () => {
  const [request] = await simulator.requests(async () => {
    assert.equal((await token.get({})).totalCount, 2);
  });
  assert.match(request.target, /^\/me\/tokens\/\?/);
});

// --- Listing

const NAMES = ['Alpha', 'alpha', 'beta', 'v1.2.0', 'v1.2.1', 'v1x2'];
await check('a list has items and totals but no secrets', async () => {
  for (const name of NAMES) await simulator.create({ name });
  const list = await tokens.get();
  assert.equal(list.count, 8);
  assert.equal(list.totalCount, 8);
  assert.equal(list.perPage, 100);
  assert.equal(list.page, 0);
  assert.equal(list.sortField, 'name');
  assert.equal(list.sortDirection, 'asc');
  assert.equal(list._type, 'apiTokens');
  assert.ok(list.items.every((item) => !('token' in item)));
});

await check('pages start at 0 and cover all tokens', async () => {
  const names = [];
  for (const page of [0, 1, 2]) {
    const { items, count, totalCount } = await tokens.get({ page, perPage: 3 });
    assert.equal(count, items.length);
    assert.equal(totalCount, 8);
    names.push(...items.map(({ name }) => name));
  }
  assert.deepEqual(names, [...NAMES, 'bare', 'ci'].sort());
});

await check('a page past the end is empty, with the true total', async () => {
  const { items, count, totalCount, page } = await tokens.get({ page: 999, perPage: 3 });
  assert.deepEqual(
    { items, count, totalCount, page },
    { items: [], count: 0, totalCount: 8, page: 999 },
  );
});

for (const sortField of ['name', 'status', 'id', 'creationDate', 'lastUpdated', 'expirationDate']) {
  await check(`sorting by ${sortField} works in both directions`, async () => {
    const values = async (sortDirection) =>
      (await tokens.get({ sortField, sortDirection })).items.map((item) => item[sortField] ?? '');
    const sorted = [...(await values('asc'))].sort();
    assert.deepEqual(await values('asc'), sorted);
    assert.deepEqual(await values('desc'), sorted.reverse());
  });
}

for (const [filter, found] of [
  ['v1.2.*', ['v1.2.0', 'v1.2.1']],
  ['*a', ['Alpha', 'alpha', 'beta']],
  ['*l*h*', ['Alpha', 'alpha']],
  ['alph', []],
  ['ci', ['ci']],
]) {
  await check(`the filter ${filter} finds ${found.join(', ') || 'nothing'}`, async () => {
    const list = await tokens.get({ filterField: 'name', filter });
    assert.deepEqual(list.items.map(({ name }) => name), found);
    assert.equal(list.totalCount, found.length);
    assert.equal(list.filter, filter);
    assert.equal(list.filterField, 'name');
  });
}

await check('an incomplete filter has no effect', async () => {
  assert.equal((await tokens.get({ filter: 'ci' })).totalCount, 8);
  assert.equal((await tokens.get({ filterField: 'name' })).totalCount, 8);
});

await check('an unknown sort or filter field is rejected with 400', async () => {
  assert.equal((await rejection(tokens.get({ sortField: 'owner' }))).statusCode, 400);
  assert.equal((await rejection(tokens.get({ filterField: 'key', filter: 'x' }))).statusCode, 400);
});

// --- Updating

await check('name and description can change, and the rest stays', async () => {
  const apiToken = { name: 'ci-2', description: 'renamed' };
  const changed = await token.patch({ apiTokenId: created.id, apiToken });
  assert.equal(changed.name, 'ci-2');
  assert.equal(changed.description, 'renamed');
  assert.equal(changed.expirationDate, SOON);
  assert.equal('token' in changed, false);
});

await check('a suspended token does not authenticate, is found by status, and can be resumed', async () => {
  const own = connect(created.token);
  const suspended = await token.patch({ apiTokenId: created.id, apiToken: { status: 'inactive' } });
  assert.equal(suspended.status, 'inactive');
  assert.equal((await rejection(own.userApiTokens.get())).statusCode, 401);
  const list = await tokens.get({ filterField: 'status', filter: 'inactive' });
  assert.deepEqual(list.items.map(({ id }) => id), [created.id]);
  const resumed = await token.patch({ apiTokenId: created.id, apiToken: { status: 'active' } });
  assert.equal(resumed.status, 'active');
  assert.equal((await own.userApiTokens.get()).totalCount, 8);
});

await check('an empty update is allowed', async () => {
  assert.equal((await token.patch({ apiTokenId: created.id, apiToken: {} })).name, 'ci-2');
});

await check('changes of scope and expiration date are rejected with 400', async () => {
  for (const apiToken of [{ scope: ['all.User'] }, { expirationDate: SOON }]) {
    assert.equal((await rejection(token.patch({ apiTokenId: created.id, apiToken }))).statusCode, 400);
  }
});

// --- Expiring and deleting

await check('an expired token does not authenticate and is still listed as active', async () => {
  const brief = await tokens.post({
    apiToken: { name: 'brief', expirationDate: new Date(Date.now() + 60_000).toISOString() },
  });
  await connect(brief.token).userApiTokens.get();
  await simulator.advance('2m');
  assert.equal((await rejection(connect(brief.token).userApiTokens.get())).statusCode, 401);
  assert.equal((await token.get({ apiTokenId: brief.id })).status, 'active');
  await token.delete({ apiTokenId: brief.id });
});

await check('delete confirms, invalidates the secret, and returns 404 the second time', async () => {
  assert.equal((await token.delete({ apiTokenId: created.id })).success, true);
  assert.equal(await simulator.accepts(created.token), false);
  assert.equal((await rejection(connect(created.token).userApiTokens.get())).statusCode, 401);
  assert.equal((await rejection(token.get({ apiTokenId: created.id }))).statusCode, 404);
  assert.equal((await rejection(token.delete({ apiTokenId: created.id }))).statusCode, 404);
});

await check('a wrong token and a missing token are rejected with 401', async () => {
  for (const caller of [connect('no.such.token'), connect()]) {
    assert.equal((await rejection(caller.userApiTokens.get())).statusCode, 401);
  }
});

// --- The other collections

await check('application and instance tokens are separate from the user\'s', async () => {
  const application = { applicationId: '575ec8687ae143cd83dc4a97' };
  const instance = { instanceId: '575ec7417ae143cd83dc4a96' };
  for (const [list, one, owner, scope] of [
    [client.applicationApiTokens, client.applicationApiToken, application, 'all.Application'],
    [client.instanceApiTokens, client.instanceApiToken, instance, 'all.Instance'],
  ]) {
    const child = await list.post({ ...owner, apiToken: { name: 'there', scope: [scope] } });
    assert.equal((await list.get(owner)).totalCount, 1);
    assert.equal((await one.get({ ...owner, apiTokenId: child.id })).name, 'there');
    assert.equal((await one.delete({ ...owner, apiTokenId: child.id })).success, true);
  }
});

await check('an unknown application is rejected with 404', async () => {
  const unknown = { applicationId: UNKNOWN_ID };
  assert.equal((await rejection(client.applicationApiTokens.get(unknown))).statusCode, 404);
});

await check('under the client\'s own API version, members of later versions are rejected with 400', async () => {
  const older = await simulate('losant', ['api=1.20', 'accept_version=enforce']);
  const accessToken = older.credentials.token;
  const { userApiTokens } = losant.createClient({ url: older.url, accessToken });
  assert.equal((await userApiTokens.post({ apiToken: { name: 'plain' } })).name, 'plain');
  const error = await rejection(userApiTokens.post({ apiToken: { name: 'x', defaultRole: 'view' } }));
  assert.equal(error.statusCode, 400);
  await older.stop();
});

await check('responses can be passed to a callback', async () => {
  const list = await new Promise((resolve, reject) => {
    tokens.get({}, (error, response) => (error ? reject(error) : resolve(response)));
  });
  assert.equal(list._type, 'apiTokens');
});

// --- Failures

const canned = (status, headers = {}, body = '') =>
  ({ answer: { status, headers: { 'x-canned': '1', ...headers }, body } });

for (const number of [429, 500, 503]) {
  await check(`${number} is thrown at once; this client never retries`, async () => {
    const body = JSON.stringify({ type: 'Trouble', message: 'Later' });
    const headers = { 'content-type': 'application/json', 'retry-after': '1' };
    await simulator.fault(canned(number, headers, body));
    const requests = await simulator.requests(async () => {
      const error = await rejection(tokens.get());
      assert.equal(error.statusCode, number);
      assert.equal(error.type, 'Trouble');
      assert.equal(error.message, 'Later');
    });
    assert.equal(requests.length, 1);
  });
}

await check('an HTML page of a proxy is an Error without a message', async () => {
  await simulator.fault(canned(502, { 'content-type': 'text/html' }, '<html>'));
  const error = await rejection(tokens.get());
  assert.equal(error.statusCode, 502);
  assert.equal(error.message, '');
  assert.equal(error[0], '<');
});

await check('a 503 after the creation leaves the token in place', async () => {
  await simulator.fault({ answer_afterwards: canned(503).answer }, { method: 'POST' });
  assert.equal((await rejection(tokens.post({ apiToken: { name: 'orphan' } }))).statusCode, 503);
  const { items } = await tokens.get({ filterField: 'name', filter: 'orphan' });
  assert.equal(items.length, 1);
  await token.delete({ apiTokenId: items[0].id });
});

await check('a connection closed without a response has no status', async () => {
  await simulator.fault('close_before');
  const error = await rejection(tokens.get());
  assert.equal(error.statusCode, undefined);
  assert.equal(error.code, 'ECONNRESET');
});

await check('a response slower than the timeout fails', async () => {
  await simulator.fault({ delay_answer: 2000 });
  const impatient = connect(simulator.credentials.token, { timeout: 200 });
  assert.equal((await rejection(impatient.userApiTokens.get())).code, 'ECONNABORTED');
});

await check('the requests have the recorded headers', async () => {
  const [request] = await simulator.requests(() => token.delete({ apiTokenId: UNKNOWN_ID }).catch(() => {}));
  const headers = Object.fromEntries(request.headers);
  assert.equal(headers['accept-version'], '^1.20.1');
  assert.equal(headers.accept, 'application/json');
  assert.equal(request.body, '{}');
  assert.match(request.target, /\?_actions=false&_links=true&_embedded=true$/);
});

// --- The published schemas

const DESCRIPTION = require('losant-rest/lib/schemas/apiInfo.json');
const ENVELOPE = ['_actions', '_etag', '_links', '_type'];
// The members that later versions of the API added.
const LATER = ['defaultRole', 'orgRoles'];

// Returns the schema that the package's API description names for a response.
function schemaOf({ method, path, status }) {
  for (const resource of Object.values(DESCRIPTION)) {
    for (const action of Object.values(resource.actions)) {
      const template = (resource.path + (action.path ?? '')).replace(/\{\w+\}/g, '[^/]+');
      if (action.method !== method || !new RegExp(`^${template}/?$`).test(path)) continue;
      // Errors that are not described have the common format.
      const described = action.responses[status]
        ?? (status >= 400 && { schema: { $ref: '#/definitions/error' } });
      const name = described.schema.$ref.split('/').pop();
      // The description declares the list as a token; the list has its own schema.
      return method === 'GET' && /\/tokens\/?$/.test(path) ? { apiToken: 'apiTokens' }[name] ?? name : name;
    }
  }
  throw new Error(`nothing is said about ${method} ${path}`);
}

// The schemas list the owner types from before instances had tokens.
const excused = ({ path }, { instancePath }) =>
  path.startsWith('/instances/') && instancePath.endsWith('/ownerType');

const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
const validators = new Map();
const known = (name) => require(`losant-rest/lib/schemas/${name}.json`);
const ours = responses.filter(({ canned: fake }) => !fake);

for (const name of ['apiToken', 'apiTokens', 'error', 'success', 'authedUser']) {
  const some = ours.filter((response) => schemaOf(response) === name);
  validators.set(name, ajv.compile(known(name)));

  await check(`all responses (${some.length}) described by the package's ${name}.json are valid`, async () => {
    assert.ok(some.length > 0);
    const validate = validators.get(name);
    for (const response of some) {
      validate(response.data);
      const errors = (validate.errors ?? []).filter((error) => !excused(response, error));
      const request = `${response.method} ${response.path} ${response.status}`;
      assert.deepEqual(errors, [], `${request}: ${ajv.errorsText(errors)}`);
    }
  });

  await check(`beyond ${name}.json they only have Losant's envelope`, async () => {
    const unknownMembers = (data, schema) =>
      Object.keys(data).filter(
        (key) => ![...Object.keys(schema.properties), ...ENVELOPE, ...LATER].includes(key),
      );
    for (const { data } of some) {
      assert.deepEqual(unknownMembers(data, known(name)), []);
      for (const item of data.items ?? []) assert.deepEqual(unknownMembers(item, known('apiToken')), []);
    }
  });
}

await check('every response has a schema', async () => {
  assert.deepEqual(ours.filter((response) => !validators.has(schemaOf(response))), []);
});

await simulator.stop();
process.exit(status());

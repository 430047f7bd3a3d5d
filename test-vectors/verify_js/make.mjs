// Makes 1,000 random valid cases in the shape of README.md: make.mjs DIR SEED. The seed chooses values, lengths, classes and epochs;
// what has to be random for the format's sake comes from the operating system.

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cat, fromHex, hex, lp, random, sha256, text, utf8, zeros } from './wire.mjs';
import * as wire from './wire.mjs';
import * as keys from './keys.mjs';
import * as sealing from './sealing.mjs';
import * as archives from './archive.mjs';
import * as wrapping from './wrapping.mjs';
import * as messages from './messages.mjs';

const [folder, seed] = process.argv.slice(2);
if (!folder || !/^\d+$/.test(seed ?? '')) {
  console.error('usage: make.mjs DIR SEED');
  process.exit(2);
}

// Choices: the first four bytes of SHA-256 of the seed and a counter, over and over.
let choices = 0;
const below = n => new DataView(sha256(seed, '/', String(choices++)).buffer).getUint32(0) % n;
const pick = list => list[below(list.length)];
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const between = (low, high) => low + below(high - low + 1);

const ALPHABETS = [
  'abcdefghijklmnopqrstuvwxyz ',
  'ABC.exe/\\:?#@[]',
  'äéîøüßñç',
  '😀👩‍🚀🏳️‍🌈',
  'שלוםمرحبا',
  'a\u0301e\u0308o\u0327',
  '\0\u0080x',
  '漢字かな',
  '\ufeff\u2028\u200b',
];
const textOf = bytes => {
  if (bytes > 8192) return textOf(4096).repeat(bytes >> 12) + textOf(bytes % 4096);
  const characters = [...pick(ALPHABETS)];
  const parts = [];
  let left = bytes;
  for (let next; Buffer.byteLength((next = pick(characters))) <= left; left -= Buffer.byteLength(next)) parts.push(next);
  return parts.join('') + 'x'.repeat(left);
};
const length = limit =>
  pick(
    [0, 1, 14, 15, 16, 47, 48, 63, 64, 65, between(0, 100), between(0, 300), between(0, Math.min(limit, 5000)), 4096].filter(
      n => n <= limit,
    ),
  );
const epochOf = i => [1, 65535, between(2, 65534)][i % 3];
const TOKEN_CLASSES = [1, 2, 3, 4, 5, 6, 7, 128, 129, 160, 191];
const RECORD_CLASSES = [16, 17, 18, 192, 200, 223];
const BLOB_CLASSES = [32, 33, 34, 40, 224, 255];
const seqOf = () => pick([0, 1, 1790000000123, Number.MAX_SAFE_INTEGER, between(0, 2 ** 31)]);

// Keys that everybody knows, and two that are new.
const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const stored = name => keys.privateKey(new Uint8Array(readFileSync(join(here, '../../tests/keys', `${name}.pkcs8`))));
const fresh = () =>
  keys.privateKey(new Uint8Array(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'der', type: 'pkcs8' })));
const account = new keys.Identity(stored('account-encryption'), stored('account-signing'));
const [d1e, d1s, d2e, d2s, f1, f2] = [
  ...['device1-encryption', 'device1-signing', 'device2-encryption', 'device2-signing'].map(stored),
  fresh(),
  fresh(),
];
const devices = [
  [d1e, d1s],
  [d2e, d2s],
  [f1, f2],
  [d1e, d2s],
  [d2e, d1s],
].map(pair => new keys.Identity(...pair));
const accountId = random(16);

const files = new Map();
const group = (file, type, inputs, tests) => {
  if (!files.has(file)) files.set(file, []);
  files.get(file).push({ type, ...inputs, tests: tests.map(({ comment = 'random', ...test }) => ({ comment, ...test, result: 'valid' })) });
};
const masterOf = epoch => new keys.MasterKey(random(32), random(16), epoch);
const shownMaster = ({ key, accountId, epoch }) => ({ masterKey: hex(key), accountId: hex(accountId), epoch });

for (const [i, n] of times(10, () => 50).entries()) {
  const master = masterOf(epochOf(i));
  group(
    'token',
    'Token',
    shownMaster(master),
    times(n, () => {
      const ofClass = pick(TOKEN_CLASSES);
      const value = utf8(textOf(length(4096)));
      const token = sealing.tokenize(master.classKey(ofClass), master.accountId, { class: ofClass, epoch: master.epoch }, value);
      return { class: ofClass, value: hex(value), token, index: hex(sealing.indexOf(token)) };
    }),
  );
}

for (const i of times(5, i => i)) {
  const master = masterOf(epochOf(i));
  group(
    'record',
    'Record',
    shownMaster(master),
    times(30, j => {
      const [ofClass, deviceId, seq, nonce] = [pick(RECORD_CLASSES), random(16), seqOf(), random(12)];
      const value = utf8(textOf(i === 0 && j < 2 ? 1048576 - j : length(1048576)));
      const record = sealing.sealRecord(
        master.deviceKey(ofClass, deviceId),
        master.accountId,
        { class: ofClass, epoch: master.epoch, deviceId, seq },
        value,
        nonce,
      );
      return { class: ofClass, deviceId: hex(deviceId), seq, nonce: hex(nonce), value: hex(value), record };
    }),
  );
}

const CONTENTS = [0, 1, 15, 16, 63, 64, 100, 1000, 16383, 16384, 16128, 32767, 49151, 40000];
for (const i of times(4, i => i)) {
  const master = masterOf(epochOf(i));
  group(
    'blob',
    'Blob',
    shownMaster(master),
    times(15, j => {
      const [ofClass, deviceId, blobId, seq, salt] = [pick(BLOB_CLASSES), random(16), random(16), seqOf(), random(24)];
      const content = random(CONTENTS[j] ?? between(0, 60000));
      if (below(2)) content.fill(0, below(content.length + 1));
      const blob = sealing.sealBlob(
        master.deviceKey(ofClass, deviceId),
        master.accountId,
        { class: ofClass, epoch: master.epoch, deviceId, blobId, seq },
        content,
        salt,
      );
      return {
        blob: hex(blob),
        class: ofClass,
        deviceId: hex(deviceId),
        blobId: hex(blobId),
        seq,
        salt: hex(salt),
        length: content.length,
        sha256: hex(sha256(content)),
        ...(content.length <= 512 ? { content: hex(content) } : {}),
      };
    }),
  );
}

for (const i of times(6, i => i)) {
  const [root, own] = [random(32), random(16)];
  group(
    'ticket',
    'Ticket',
    { ticketRoot: hex(root) },
    times(10, () => {
      const fields = {
        accountId: own,
        fingerprint: random(32),
        ticketId: random(16),
        expiry: seqOf(),
        uses: pick([1, 2, 50, between(1, 50)]),
      };
      const ticket = messages.makeTicket(root, fields);
      const parsed = messages.parseTicket(ticket);
      const shown = ['accountId', 'fingerprint', 'ticketId', 'secret', 'macKey', 'nameKey', 'authKey', 'authenticatorHash'].map(name => [
        name,
        hex(parsed[name]),
      ]);
      return { text: (i % 2 ? 'blindtally:' : '') + ticket, ...Object.fromEntries(shown), expiry: fields.expiry, uses: fields.uses };
    }),
  );
}

// One account in vaults and backups, under few passwords, because stretching is slow.
const anyPolicy = (masters, fields = {}) => {
  const { epoch, keyId } = masters.at(-1);
  return messages.parsePolicy(
    messages.makePolicy(account, {
      accountId,
      version: 10,
      issuedAt: 9,
      previous: zeros(32),
      floors: pick([[], [0x11], [0x11, 0x21, 0x31]]),
      epoch,
      keyId,
      revoked: [],
      classes: classesOf({ 1: 1, 2: 0, 3: 2, 16: 0, 128: 1 }),
      ...fields,
    }),
  );
};
const classesOf = forms =>
  Object.entries(forms).map(([ofClass, form]) => ({ class: Number(ofClass), bytes: new Uint8Array([ofClass, form]) }));
const mastersOf = (...epochs) => epochs.map(epoch => new keys.MasterKey(random(32), accountId, epoch));
const ticketRoot = random(32);
const deviceRow = (identity, fields) => ({
  identity,
  deviceId: identity.deviceId(accountId),
  nonce: random(16),
  ticketId: random(16),
  name: utf8(textOf(between(1, 100))),
  status: 1,
  lastSeq: seqOf(),
  confirmedAt: seqOf(),
  ...fields,
});
const keyringOf = (generation, rows) => {
  const masters = mastersOf(...pick([[1], [1, 2], [3, 3, 65535], [65535]]));
  return {
    generation,
    accountId,
    masters,
    account,
    policy: anyPolicy(masters),
    ticketRoot,
    devices: rows.sort((a, b) => Buffer.compare(a.deviceId, b.deviceId)),
    cancelled: times(below(3), () => random(16)).sort(Buffer.compare),
    managers: 0,
  };
};
const LOGINS = [
  { login: 'anna@example.com', password: 'correct horse', accountSecret: null, kdf: 1, params: [600000] },
  { login: 'Ａﬁ ΑΣ', password: 'Ångström ﬁ 😀', accountSecret: random(16), kdf: 2, params: [19456, 2, 1] },
].map(login => {
  const prelogin = { kdf: login.kdf, params: login.params, salt: random(16), accountId };
  const of = wrapping.loginKeys(login.login, login.password, login.accountSecret, prelogin);
  const shown = { ...prelogin, salt: hex(prelogin.salt), accountId: hex(accountId) };
  return { ...login, prelogin, keys: of, typed: login.accountSecret && wire.toCheckedCode(login.accountSecret).toLowerCase(), shown };
});
const vaultOf = (login, keyring) =>
  wrapping.wrap('V', login.keys, { ...login.prelogin, generation: keyring.generation }, wrapping.keyring(keyring));
const shownLogin = ({ login, password, typed, shown }) => ({ login, password, accountSecret: typed, prelogin: shown });

for (const login of LOGINS) {
  group(
    'vault',
    'Vault',
    shownLogin(login),
    times(2, () => {
      const keyring = keyringOf(between(1, 1000), [deviceRow(devices[0], { ticketId: undefined }), deviceRow(devices[1], { status: 2 })]);
      const reveals = times(5, () => {
        const [master, ofClass, value] = [pick(keyring.masters), pick(TOKEN_CLASSES), utf8(textOf(length(200)))];
        return {
          token: sealing.tokenize(master.classKey(ofClass), accountId, { class: ofClass, epoch: master.epoch }, value),
          value: hex(value),
        };
      });
      return {
        vault: hex(vaultOf(login, keyring)),
        seen: below(keyring.generation),
        s: hex(login.keys.s),
        wrapKey: hex(login.keys.wrap),
        commit: hex(login.keys.commit),
        loginProof: hex(login.keys.login),
        keyring: hex(wrapping.keyring(keyring)),
        recoveryProof: hex(wrapping.recoveryProof(keyring)),
        generation: keyring.generation,
        reveals,
      };
    }),
  );
  const keyring = keyringOf(between(1, 1000), []);
  group(
    'kept_login',
    'KeptLogin',
    { login: login.login, prelogin: login.shown, vault: hex(vaultOf(login, keyring)) },
    times(2, () => {
      const { accountSecret } = login;
      return {
        kept: hex(wrapping.writeKept(login.login, { ...login.prelogin, ...login.keys, accountSecret })),
        loginProof: hex(login.keys.login),
        wrapKey: hex(login.keys.wrap),
        commit: hex(login.keys.commit),
        accountSecret: accountSecret && wire.toCheckedCode(accountSecret),
        generation: keyring.generation,
      };
    }),
  );
}

const backupOf = (fields, opener, keyring) => {
  const header = { ...fields, salt: random(16), accountId };
  return wrapping.writeBackupFile(
    wrapping.wrap('K', wrapping.backupKeys(header, opener), { ...header, generation: keyring.generation }, wrapping.keyring(keyring)),
    keyring,
  );
};
const shownBackup = (file, keyring) => ({
  file,
  keyring: hex(wrapping.keyring(keyring)),
  accountId: hex(accountId),
  generation: keyring.generation,
});
const backupCase = (fields, opener) => {
  const keyring = keyringOf(between(0, 1000), [deviceRow(devices[0])]);
  return shownBackup(backupOf(fields, opener, keyring), keyring);
};
for (const recoveryKey of [random(16), random(16)]) {
  group(
    'backup',
    'Backup',
    { passphrase: null, recoveryKey: wire.toCheckedCode(recoveryKey) },
    times(3, () => backupCase({ kdf: 3, params: [] }, { recoveryKey })),
  );
}
const passphrase = 'seven words ΑΣ ﬁ';
group(
  'backup',
  'Backup',
  { passphrase, recoveryKey: null },
  [
    { kdf: 1, params: [600000] },
    { kdf: 2, params: [19456, 2, 1] },
  ].map(fields => backupCase(fields, { passphrase })),
);

for (const i of times(2, i => i)) {
  const login = LOGINS[i];
  const now = 1790000000;
  const keyring = keyringOf(7, [deviceRow(devices[0]), deviceRow(devices[1], { status: 2 })]);
  group(
    'enrollment',
    'Enrollment',
    { ...shownLogin(login), vault: hex(vaultOf(login, keyring)), now },
    times(20, j => {
      const device = pick([devices[2], devices[3], devices[4], devices[0]]);
      const deviceId = hex(device.deviceId(accountId));
      if (j % 3 === 2) {
        const request = messages.requestByCode(device, {
          accountId,
          fingerprint: account.fingerprint.subarray(0, 15),
          claimHash: random(32),
          nonce: random(16),
        });
        return {
          request: hex(request),
          deviceId,
          name: null,
          needsComparison: true,
          ...(j % 2 ? { typedCode: device.code.toLowerCase().replaceAll('0', 'o') } : {}),
        };
      }
      const fields = {
        accountId,
        fingerprint: account.fingerprint,
        ticketId: random(16),
        expiry: now + between(1, 86400),
        uses: between(1, 50),
      };
      const name = textOf(pick([1, 15, 16, 127, 128, between(1, 128)]));
      const ticket = messages.parseTicket(messages.makeTicket(ticketRoot, fields));
      return { request: hex(messages.requestWithTicket(device, ticket, utf8(name), random(16))), deviceId, name, needsComparison: false };
    }),
  );
}

// Agents: who waits, and who has keys of an epoch.
const pendingAgent = device => ({
  phase: messages.PENDING,
  accountId,
  pinned: pick([account.fingerprint, account.fingerprint.subarray(0, 15)]),
  device,
  deviceId: device.deviceId(accountId),
  nonce: random(16),
  queueKey: random(32),
  ticketId: pick([undefined, random(16)]),
  claim: random(32),
});
const agentKeys = (master, state, ...classes) =>
  classes.map(ofClass => ({
    class: ofClass,
    key: wire.isTokenClass(ofClass) ? master.classKey(ofClass) : master.deviceKey(ofClass, state.deviceId),
  }));
const delivered = (state, master, policy, seq, ...classes) =>
  messages.makeDelivery(account, accountId, state.device, policy, agentKeys(master, state, ...classes), { nonce: state.nonce, seq });
const runningAgent = (device, master, fields) => {
  const state = pendingAgent(device);
  const delivery = delivered(state, master, anyPolicy([master], fields), 100, 1, 2, 3, 16, 128);
  return { delivery, ...messages.acceptDelivery(state, delivery) };
};
const PHASES = ['pending', 'encrypted', 'revoked'];
const tokensOf = state =>
  state.phase === messages.PENDING
    ? []
    : times(4, () => {
        const ofClass = pick([1, 2, 3, 128, 4]);
        const value = pick(['WinWord.EXE', 'https://Anna@Example.COM:8443/x?y', '[::1]:80', textOf(length(300))]);
        try {
          return { class: ofClass, value, token: messages.agentSeals(state, ofClass, value) };
        } catch ({ code }) {
          return { class: ofClass, value, expect: code };
        }
      });
const after = ({ outcome, state }) => ({ outcome, phase: PHASES[state.phase - 1], tokens: tokensOf(state) });

for (const i of times(8, i => i)) {
  const [master, next] = mastersOf(
    ...[
      [1, 2],
      [65534, 65535],
      [7, 9],
    ][i % 3],
  );
  const started = i % 2 ? runningAgent(pick(devices), master) : { state: pendingAgent(pick(devices)) };
  const { state } = started;
  const policy = state.policy ?? anyPolicy([master]);
  const newer = fields => anyPolicy([master], { version: 11, previous: pick([zeros(32), sha256(policy.bytes)]), ...fields });
  const deliveries = [
    started.delivery ?? delivered(state, master, policy, 0),
    delivered(state, master, policy, 101, 1, 3),
    delivered(state, master, newer({ classes: classesOf({ 1: 2, 2: 1, 3: 0, 128: 0, 200: 0 }) }), 102, 1, 2, 3, 128, 200),
    delivered(state, next, anyPolicy([next], { version: 12 }), seqOf() + 103, 1, 2, 3, 16, 128),
    delivered(state, master, newer({ floors: [0x12] }), 104, 1, 2),
  ];
  group(
    'delivery',
    'Delivery',
    { agentState: hex(messages.writeState(state)) },
    deliveries.map(delivery => ({ delivery: hex(delivery), ...after(messages.acceptDelivery(state, delivery)) })),
  );
}

for (const i of times(5, i => i)) {
  const [master, next] = mastersOf(
    ...[
      [1, 2],
      [65534, 65535],
    ][i % 2],
  );
  const { state } = runningAgent(pick(devices), master);
  const newer = (fields, of = master) =>
    anyPolicy([of], { version: 11, previous: pick([zeros(32), sha256(state.policy.bytes)]), ...fields });
  const others = [random(16), random(16)];
  const sorted = ids => ids.sort(Buffer.compare);
  const policies = [
    state.policy,
    newer(),
    newer({ classes: classesOf({ 2: 1, 3: 0 }) }),
    newer({ revoked: sorted(others) }),
    newer({ revoked: sorted([...others, state.deviceId]) }),
    newer({}, next),
    newer({ floors: [0x99] }),
    anyPolicy([master], { version: between(12, 2 ** 31), previous: random(32), classes: [] }),
  ];
  group(
    'policy',
    'Policy',
    { agentState: hex(messages.writeState(state)) },
    policies.map(({ bytes }) => ({ policy: hex(bytes), ...after(messages.acceptPolicy(state, bytes)) })),
  );
}

group(
  'agent_state',
  'AgentState',
  {},
  times(30, i => {
    const [master] = mastersOf(epochOf(i));
    const agents = [
      pendingAgent,
      device => runningAgent(device, master).state,
      device => {
        const { state } = runningAgent(device, master);
        return messages.acceptPolicy(state, anyPolicy([master], { version: 12, revoked: [state.deviceId] }).bytes).state;
      },
    ];
    const state = agents[i % 3](pick(devices));
    const wrapKey = random(32);
    const saved = below(2)
      ? { state: hex(messages.writeState(state)) }
      : { state: hex(messages.wrapState(state, wrapKey)), wrapKey: hex(wrapKey) };
    return { ...saved, phase: PHASES[state.phase - 1], deviceId: hex(state.deviceId), tokens: tokensOf(state) };
  }),
);
const { state: keeping } = runningAgent(devices[0], mastersOf(1)[0]);
group(
  'agent_state',
  'QueueRecord',
  { agentState: hex(messages.writeState(keeping)) },
  times(10, () => {
    const [ofClass, seq, nonce, value] = [pick([1, 2, 3, 16, 128]), seqOf(), random(12), utf8(textOf(length(4000)))];
    return {
      class: ofClass,
      seq,
      nonce: hex(nonce),
      value: hex(value),
      record: messages.sealQueued(keeping, { class: ofClass, seq }, value, nonce),
    };
  }),
);

const mistyped = code =>
  pick([
    code,
    code.toLowerCase(),
    code.replaceAll('-', ''),
    code.replaceAll('-', '\u00a0 '),
    ` ${code}\n`,
    code.replaceAll('0', 'O').replaceAll('1', pick([...'IilL'])),
  ]);
group(
  'crockford',
  'CheckedCode',
  {},
  times(20, () => {
    const key = random(16);
    const code = wire.toCheckedCode(key);
    return { typed: mistyped(code), key: hex(key), code };
  }),
);
group(
  'crockford',
  'AccountCode',
  {},
  times(20, () => {
    const [id, fingerprint] = [random(16), random(32)];
    const code = messages.accountCode(id, fingerprint);
    return { typed: mistyped(code), accountId: hex(id), fingerprintPrefix: hex(fingerprint.subarray(0, 15)), code };
  }),
);

group(
  'identity',
  'Identity',
  { accountId: hex(accountId) },
  times(10, i => {
    const all = [account.encryption, account.signing, d1e, d1s, d2e, d2s, f1, f2];
    const identity = new keys.Identity(all[i % 8], all[((i % 8) + 1 + below(7)) % 8]);
    return {
      encryptionKey: hex(identity.encryption.spki),
      signingKey: hex(identity.signing.spki),
      fingerprint: hex(identity.fingerprint),
      code: identity.code,
      deviceId: hex(identity.deviceId(accountId)),
    };
  }),
);

{
  const [recoveryKey, keyring] = [random(16), keyringOf(3, [])];
  group(
    'archive',
    'Archive',
    { backup: backupOf({ kdf: 3, params: [] }, { recoveryKey }, keyring), recoveryKey: wire.toCheckedCode(recoveryKey) },
    times(4, i => {
      const contents = times([0, 3, 12, 5][i], j => ({
        path: `${pick(['log/a', 'x', 'A-b_c.d/e'])}/${j}.jsonl`,
        modified: below(2 ** 31),
        content: random(pick([0, 1, 511, 512, 513, between(0, 20000)])),
      }));
      const made = pick([0, 1790000000123, Number.MAX_SAFE_INTEGER]);
      const archive = archives.writeArchive(pick(keyring.masters), account, contents, made, { blobId: random(16), seq: seqOf() });
      return {
        archive: hex(archive),
        listing: 'signed',
        made,
        files: contents.map(({ path, modified, content }) => ({ path, length: content.length, modified, sha256: hex(sha256(content)) })),
      };
    }),
  );
}

mkdirSync(folder, { recursive: true });
for (const [file, testGroups] of files) {
  let tcId = 0;
  for (const { tests } of testGroups)
    tests.forEach((test, i) => {
      tests[i] = { tcId: ++tcId, ...test };
    });
  const whole = {
    algorithm: file.replace('_', ' '),
    header: [`Random cases, made from ${seed} by verify_js.`],
    numberOfTests: tcId,
    testGroups,
  };
  writeFileSync(join(folder, `${file}.json`), JSON.stringify(whole, null, 1) + '\n');
}

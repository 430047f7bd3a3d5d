// Checks files of test vectors (README.md) against this implementation: verify.mjs [DIR [NAME]]. Every output that a test gives is
// compared, and the code of every refusal; where a test gives the inputs, the artefact is made again and its bytes are compared.

import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cat, fromHex, hex, same, sha256 } from './wire.mjs';
import * as wire from './wire.mjs';
import * as keys from './keys.mjs';
import * as sealing from './sealing.mjs';
import * as archives from './archive.mjs';
import * as wrapping from './wrapping.mjs';
import * as messages from './messages.mjs';

const masterOf = group => new keys.MasterKey(fromHex(group.masterKey), fromHex(group.accountId), group.epoch);

// One function for each group type: it returns what the test's outputs are compared with. A name that a function adds and the test
// does not give is not compared.
const CHECKS = {
  Token(group, test) {
    const master = masterOf(group);
    const made =
      test.class !== undefined &&
      test.value !== undefined &&
      sealing.tokenize(master.classKey(test.class), master.accountId, { class: test.class, epoch: group.epoch }, fromHex(test.value));
    const { class: ofClass } = sealing.parseToken(test.token);
    const value = sealing.reveal([master], test.token);
    return { token: made || test.token, class: ofClass, value: hex(value), index: hex(sealing.indexOf(test.token)) };
  },

  Scan: (_, test) => ({ tokens: sealing.findTokens(test.text) }),

  Record(group, test) {
    const master = masterOf(group);
    const opened = sealing.readRecord([master], master.accountId, test.record + 'A'.repeat(test.followed ?? 0));
    const key = master.deviceKey(opened.class, opened.deviceId);
    const again = sealing.sealRecord(key, master.accountId, opened, opened.value, opened.nonce);
    return { record: again, ...shown(opened, 'class', 'deviceId', 'seq', 'nonce', 'value') };
  },

  CheckedCode(_, test) {
    const key = wire.fromCheckedCode(test.typed);
    return { key: hex(key), code: wire.toCheckedCode(key) };
  },

  Identity(group, test) {
    const reader = new wire.Reader(cat(wire.lp(fromHex(test.encryptionKey)), wire.lp(fromHex(test.signingKey))));
    const identity = keys.publicKeys.read(reader);
    return { ...shown(identity, 'fingerprint', 'code'), deviceId: hex(identity.deviceId(fromHex(group.accountId))) };
  },

  Blob(group, test) {
    const master = masterOf(group);
    const bytes = edited(group.blob, test.blob, test.edits);
    const released = [];
    const result = {};
    try {
      const reader = sealing.openBlob([master], master.accountId, streamOf(bytes));
      Object.assign(result, shown(reader.next().value, 'class', 'deviceId', 'blobId', 'seq', 'salt'));
      for (const part of reader) released.push(part);
    } catch (refusal) {
      Object.assign(result, { refusal, released: hex(sha256(...released)), releasedLength: cat(...released).length });
      return result;
    }
    const content = cat(...released);
    const header = sealing.parseBlob(bytes);
    const key = master.deviceKey(header.class, header.deviceId);
    same_(sealing.sealBlob(key, master.accountId, header, content, header.salt), bytes);
    const randomly = new sealing.RandomAccessBlob([master], master.accountId, bytes);
    if (randomly.length() !== content.length || !same(randomly.read(0, content.length), content)) throw new Error('random access differs');
    return { ...result, content: hex(content), length: content.length, sha256: hex(sha256(content)) };
  },

  Archive(group, test) {
    const keyring = known(
      group.backup,
      () => wrapping.openBackup(group.backup, { recoveryKey: wire.fromCheckedCode(group.recoveryKey) }).keyring,
    );
    const { listing, made, files } = archives.readArchive(keyring, edited(group.archive, test.archive, test.edits));
    const file = ({ path, length, modified, content }) => ({
      path,
      length,
      modified,
      ...(content ? { sha256: hex(sha256(content)) } : { expect: 'archive.damaged' }),
    });
    return { listing, made: made === undefined ? undefined : Number(made), files: files.map(file) };
  },

  CanonicalForm: (group, test) => ({ output: messages.canonical(group.form, test.input) }),

  AccountCode(_, test) {
    const { accountId, fingerprintPrefix } = messages.fromAccountCode(test.typed);
    return {
      ...shown({ accountId, fingerprintPrefix }, 'accountId', 'fingerprintPrefix'),
      code: messages.accountCode(accountId, fingerprintPrefix),
    };
  },

  Vault(group, test) {
    const { vault, keyring, login } = openVault(group, test.vault, test.seen);
    const reveals = test.reveals?.map(({ token }) => ({ token, value: hex(sealing.reveal(keyring.masters, token)) }));
    same_(wrapping.wrap('V', login, vault, keyring.bytes, vault.nonce), fromHex(test.vault));
    return {
      ...shown(
        {
          s: login.s,
          wrapKey: login.wrap,
          commit: login.commit,
          loginProof: login.login,
          generation: keyring.generation,
          keyring: keyringAgain(keyring),
          recoveryProof: wrapping.recoveryProof(keyring),
        },
        's',
        'wrapKey',
        'commit',
        'loginProof',
        'generation',
        'keyring',
        'recoveryProof',
      ),
      reveals,
    };
  },

  KeptLogin(group, test) {
    const prelogin = preloginOf(group);
    const kept = wrapping.resume(fromHex(test.kept), group.login, prelogin);
    const { keyring } = wrapping.openVault(fromHex(group.vault), prelogin, 0, kept);
    same_(wrapping.writeKept(group.login, kept), fromHex(test.kept));
    return {
      loginProof: hex(kept.login),
      wrapKey: hex(kept.wrap),
      commit: hex(kept.commit),
      generation: Number(keyring.generation),
      accountSecret: kept.accountSecret ? wire.toCheckedCode(kept.accountSecret) : null,
    };
  },

  Backup(group, test) {
    const opener =
      group.recoveryKey === null || group.recoveryKey === undefined
        ? { passphrase: group.passphrase }
        : { recoveryKey: wire.fromCheckedCode(group.recoveryKey) };
    const { backup, keys: of, keyring } = wrapping.openBackup(test.file, opener);
    same_(wrapping.wrap('K', of, backup, keyring.bytes, backup.nonce), backup.bytes);
    same_(wrapping.openBackup(wrapping.writeBackupFile(backup.bytes, keyring), opener).keyring.bytes, keyring.bytes);
    return { keyring: keyringAgain(keyring), accountId: hex(keyring.accountId), generation: Number(keyring.generation) };
  },

  Ticket(group, test) {
    const ticket = messages.parseTicket(test.text);
    const bare = test.text.replace(/^blindtally:/, '');
    const again = group.ticketRoot ? messages.makeTicket(fromHex(group.ticketRoot), ticket) : bare;
    return {
      text: test.text.replace(bare, again),
      ...shown(
        ticket,
        'accountId',
        'fingerprint',
        'ticketId',
        'secret',
        'expiry',
        'uses',
        'macKey',
        'nameKey',
        'authKey',
        'authenticatorHash',
      ),
    };
  },

  Enrollment(group, test) {
    const { keyring } = known(group.vault, () => openVault(group, group.vault, 0));
    const { deviceId, name, needsComparison } = messages.inspect(keyring, fromHex(test.request), group.now, test.typedCode);
    return { deviceId: hex(deviceId), name, needsComparison };
  },

  Delivery(group, test) {
    const state = messages.readState(fromHex(group.agentState));
    const bytes = fromHex(test.delivery);
    const result = agentResult(messages.acceptDelivery(state, bytes), test);
    const delivery = messages.parseDelivery(bytes);
    const { cek, plaintext } = messages.openBundle(state.device, delivery);
    same_(messages.sealBundle(cek, delivery.header, delivery.kem, plaintext), delivery.ct);
    return result;
  },

  Policy: (group, test) => agentResult(messages.acceptPolicy(messages.readState(fromHex(group.agentState)), fromHex(test.policy)), test),

  AgentState(_, test) {
    const wrapKey = test.wrapKey && fromHex(test.wrapKey);
    const bytes = fromHex(test.state);
    const state = messages.readState(bytes, wrapKey);
    same_(wrapKey ? messages.wrapState(state, wrapKey, bytes.subarray(4, 16)) : messages.writeState(state), bytes);
    return agentResult({ state }, test);
  },

  QueueRecord(group, test) {
    const state = messages.readState(fromHex(group.agentState));
    const record = messages.openQueued(state, test.record);
    return { ...shown(record, 'class', 'seq', 'nonce', 'value'), record: messages.sealQueued(state, record, record.value, record.nonce) };
  },
};

const same_ = (again, bytes) => {
  if (!same(again, bytes)) throw new Error('made again, it has other bytes');
};

const openings = new Map();
const known = (name, open) => openings.get(name) ?? openings.set(name, open()).get(name);

const preloginOf = ({ prelogin }) => ({ ...prelogin, salt: fromHex(prelogin.salt), accountId: fromHex(prelogin.accountId) });

function openVault(group, vault, seen = 0) {
  const prelogin = preloginOf(group);
  const accountSecret =
    group.accountSecret === null || group.accountSecret === undefined ? undefined : wire.fromCheckedCode(group.accountSecret);
  const login = wrapping.loginKeys(group.login, group.password, accountSecret, prelogin);
  return { login, ...wrapping.openVault(fromHex(vault), prelogin, seen, login) };
}

// A keyring and its policy, parsed and written again.
function keyringAgain(keyring) {
  return hex(wrapping.keyring(keyring));
}

// What an agent says after it accepted something, once its state was written and read again.
function agentResult({ outcome, state }, test) {
  const saved = messages.readState(messages.writeState(state));
  const tokens = test.tokens?.map(({ class: ofClass, value }) => {
    const made = attempt(() => ({ token: messages.agentSeals(saved, ofClass, value) }));
    if (made.refusal && !made.refusal.code) throw made.refusal;
    return { class: ofClass, value, ...(made.refusal ? { expect: made.refusal.code } : made) };
  });
  const phase = ['pending', 'encrypted', 'revoked'][saved.phase - 1];
  return { outcome, phase, deviceId: hex(saved.deviceId), tokens, after: hex(messages.writeState(saved)) };
}

// The named fields as vectors write them: bytes in hexadecimal, numbers below 2^53.
function shown(fields, ...names) {
  const show = value => (value instanceof Uint8Array ? hex(value) : typeof value === 'bigint' ? Number(value) : value);
  return Object.fromEntries(names.map(name => [name, show(fields[name])]));
}

// README.md#edits.
function edited(ofGroup, own, edits) {
  if (own !== undefined) return fromHex(own);
  const bytes = fromHex(ofGroup);
  const parts = [];
  let at = 0;
  for (const [offset, dropped, put] of edits) {
    parts.push(bytes.subarray(at, offset), typeof put === 'string' ? fromHex(put) : bytes.subarray(put[0], put[0] + put[1]));
    at = offset + dropped;
  }
  return cat(...parts, bytes.subarray(at));
}

// The bytes of a stream, so many at a time.
function streamOf(bytes) {
  let at = 0;
  return n => bytes.subarray(at, (at += n));
}

function check(group, test) {
  const result = attempt(() => CHECKS[group.type](group, test));
  const wrong = [];
  const code = result.refusal ? (result.refusal.code ?? result.refusal.stack) : undefined;
  if (code !== (test.result === 'valid' ? undefined : test.expect)) wrong.push(`is ${code ?? 'accepted'}, not ${test.expect ?? 'valid'}`);
  else {
    for (const name of Object.keys(result)) {
      if (name !== 'refusal' && name in test && !equal(result[name], test[name])) {
        wrong.push(`${name} is ${brief(result[name])}, not ${brief(test[name])}`);
      }
    }
  }
  return wrong;
}

function attempt(work) {
  try {
    return work();
  } catch (refusal) {
    return { refusal };
  }
}

const sorted = value =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.keys(value)
          .sort()
          .map(name => [name, sorted(value[name])]),
      )
    : Array.isArray(value)
      ? value.map(sorted)
      : value;
const equal = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const brief = value => JSON.stringify(value)?.slice(0, 300);

const committed = join(dirname(realpathSync(fileURLToPath(import.meta.url))), '..');
const [folder = committed, name = 'javascript', ...only] = process.argv.slice(2);
for (const file of readdirSync(folder)
  .filter(file => file.endsWith('.json'))
  .sort()) {
  if (only.length && !only.includes(file)) continue;
  const { testGroups, numberOfTests } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  let [passed, count] = [0, 0];
  for (const group of testGroups) {
    for (const test of group.tests) {
      count++;
      const wrong = check(group, test);
      if (wrong.length === 0) passed++;
      for (const what of wrong) console.log(`${file} ${test.tcId} (${test.comment}): ${what}`);
    }
  }
  if (count !== numberOfTests) console.log(`${file}: numberOfTests is ${numberOfTests}, not ${count}`);
  if (passed !== count || count !== numberOfTests) process.exitCode = 1;
  console.log(`vectors: ${file} ${name} ${passed}`);
}

//! What each group of test-vectors/*.json means, through the library's public API: test-vectors/README.md says what they
//! hold. tests/vectors.rs runs it natively, bindings/wasm/vectors in JavaScript engines.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use blindtally::*;
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Runs every case of a file, which `load` gives by its name. Returns how many there are, or all that fail.
pub(crate) fn check(name: &str, load: &dyn Fn(&str) -> Value) -> Result<u32, String> {
    let check = match name {
        "token" => tokens,
        "scan" => scan,
        "record" | "record_refused" => records,
        "blob" => blobs,
        "archive" | "archive_refused" | "archive_paths" | "archive_damaged" => archives,
        "canonical" => canonical_forms,
        "identity" => identities,
        "crockford" => typed_codes,
        "vault" | "keyring" => vaults,
        "kept_login" => kept_logins,
        "backup" => backups,
        "ticket" => tickets,
        "enrollment" => enrollments,
        "policy" => policies,
        "delivery" | "delivery_refused" => deliveries,
        "agent_state" => agent_states,
        "questions" | "questions_agent" => of_any_type,
        other => return Err(format!("nothing checks {other}.json")),
    };
    let file = load(name);
    let mut count = 0;
    let mut wrong = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            count += 1;
            // A failed assertion is a failure of its case: the others are still checked, where panics unwind.
            let outcome = match catch_unwind(AssertUnwindSafe(|| check(&Case { group, test, load }))) {
                Ok(Ok(())) => "valid",
                Ok(Err(error)) => error.code(),
                Err(_) => "a failed assertion",
            };
            let wanted = test.get("expect").and_then(Value::as_str).unwrap_or("valid");
            if outcome != wanted {
                wrong.push(format!("{}: {}: {outcome} instead of {wanted}", test["tcId"], test["comment"]));
            }
        }
    }
    if file["numberOfTests"] != count {
        wrong.push(format!("there are {count} cases instead of {}", file["numberOfTests"]));
    }
    if wrong.is_empty() { Ok(count) } else { Err(format!("{name}.json\n{}", wrong.join("\n"))) }
}

/// A case of a file that has groups of several types.
fn of_any_type(case: &Case<'_>) -> Result<(), Error> {
    match case.kind() {
        "Token" => tokens(case),
        "Record" => records(case),
        "Archive" => archives(case),
        "Vault" => vaults(case),
        "KeptLogin" => kept_logins(case),
        "Ticket" => tickets(case),
        "Backup" => backups(case),
        "Enrollment" => enrollments(case),
        "Delivery" => deliveries(case),
        "Policy" => policies(case),
        "AgentState" | "QueueRecord" => agent_states(case),
        other => panic!("group {other}"),
    }
}

fn tokens(case: &Case<'_>) -> Result<(), Error> {
    let key = epoch_key(case).class_key(case.class().unwrap_or(TokenClass::APP));
    if let Some(text) = case.test["token"].as_str() {
        let token: Token = text.parse()?;
        let owner = epoch_key(case).class_key(token.class());
        let value = TokenKey::new(&owner).reveal(&token)?;
        case.same("value", value.as_bytes());
        case.same("index", token.index().as_bytes());
    }
    if case.has("value") {
        let value = String::from_utf8(case.hex("value")).unwrap();
        case.same_text("token", &TokenKey::new(&key).tokenize(&value)?.to_string());
    }
    Ok(())
}

fn scan(case: &Case<'_>) -> Result<(), Error> {
    let found: Vec<[usize; 2]> = find_tokens(case.text("text")).map(|(range, _)| [range.start, range.end]).collect();
    assert_eq!(serde_json::to_value(found).unwrap(), case.test["tokens"]);
    Ok(())
}

/// Records are sealed with a random nonce: what is sealed here is opened again, beside the record of the vector.
fn records(case: &Case<'_>) -> Result<(), Error> {
    let followed = "A".repeat(case.test["followed"].as_u64().unwrap_or_default() as usize);
    let record = Record::parse(&(case.text("record").to_owned() + &followed))?;
    let AnyClass::Record(class) = record.class() else { return Err(RecordError::NoKey.into()) };
    let key = RecordKey::new(&epoch_key(case).class_key(class).device_key(record.device()));
    case.same("value", key.open(&record)?.as_bytes());
    case.same("deviceId", record.device().as_bytes());
    assert_eq!((record.class().id().into(), record.seq()), (case.number("class"), case.number("seq")));
    assert_eq!(record.to_string(), case.text("record"));
    let again = key.seal(record.class(), &key.open(&record)?, record.seq())?;
    case.same("value", key.open(&again)?.as_bytes());
    assert_eq!(again.as_bytes()[..28], record.as_bytes()[..28]);
    Ok(())
}

/// Blobs are sealed under a random blob_id and salt: what is sealed here is opened again, beside the blob of the vector.
fn blobs(case: &Case<'_>) -> Result<(), Error> {
    let blob = case.edited("blob");
    let mut released = Vec::new();
    let opened = open_blob(case, &blob, &mut released);
    let hash = Sha256::digest(&released);
    match opened {
        Ok((header, key)) => {
            case.same("content", &released);
            case.same("sha256", &hash);
            case.same("deviceId", header.device.as_bytes());
            case.same("blobId", header.id.as_bytes());
            case.same("salt", &blob[BlobHeader::LEN..][..24]);
            assert_eq!(
                (released.len() as u64, u64::from(header.class.id()), header.seq),
                (case.number("length"), case.number("class"), case.number("seq"))
            );
            let mut sealer = key.sealer(header.seq)?;
            let mut again = sealer.start().as_bytes().to_vec();
            sealer.update(&released, &mut again)?;
            sealer.finish(|piece| -> Result<(), BlobError> {
                again.extend_from_slice(piece);
                Ok(())
            })?;
            assert_eq!(again.len(), blob.len());
            let mut content = Vec::new();
            open_blob(case, &again, &mut content)?;
            assert!(content == released, "what was sealed again has other content");
            Ok(())
        }
        Err(error) => {
            case.same("released", &hash);
            assert_eq!(released.len() as u64, case.number("releasedLength"));
            Err(error)
        }
    }
}

/// Opens a blob as a stream, in pieces that are no chunks.
fn open_blob(case: &Case<'_>, blob: &[u8], out: &mut Vec<u8>) -> Result<(BlobHeader, BlobKey), Error> {
    let (start, chunks) = BlobStart::split(blob)?;
    let header = *start.header();
    let key = BlobKey::new(&epoch_key(case).class_key(header.class).device_key(header.device));
    let mut opener = key.opener(&start)?;
    let mut put = |content: &[u8]| {
        out.extend_from_slice(content);
        Ok::<_, BlobError>(())
    };
    for piece in chunks.chunks(10_000) {
        opener.update(piece, &mut put)?;
    }
    opener.finish(put)?;
    Ok((header, key))
}

fn archives(case: &Case<'_>) -> Result<(), Error> {
    let backup = Backup::parse(case.group["backup"].as_str().unwrap())?;
    let key = RecoveryKey::parse(case.group["recoveryKey"].as_str().unwrap())?;
    let restored = backup.open_with_recovery_key(&key)?;
    let mut archive = restored
        .opening_keys()
        .archive(Cursor::new(case.edited("archive")))
        .map_err(|error| Error::from_io(&error).unwrap())?;
    match archive.listing() {
        Listing::Signed { made } => {
            case.same_text("listing", "signed");
            assert_eq!(made.unix_millis(), case.number("made"));
        }
        Listing::Unlisted => case.same_text("listing", "unlisted"),
    }
    let files = archive.files().to_vec();
    let found: Vec<Value> = files
        .iter()
        .enumerate()
        .map(|(number, file)| {
            let mut content = Vec::new();
            let copied = archive.copy(number, &mut content);
            let mut found =
                json!({ "path": file.path(), "length": file.length(), "modified": file.modified().unix_secs() });
            match copied {
                Ok(()) => {
                    assert_eq!(content.len() as u64, file.length());
                    found["sha256"] = HEXLOWER.encode(&Sha256::digest(&content)).into();
                }
                Err(error) => found["expect"] = Error::from_io(&error).unwrap().code().into(),
            }
            found
        })
        .collect();
    assert_eq!(Value::from(found), case.test["files"]);
    Ok(())
}

fn canonical_forms(case: &Case<'_>) -> Result<(), Error> {
    let form = match case.group["form"].as_u64() {
        Some(0) => CanonicalForm::Exact,
        Some(1) => CanonicalForm::AsciiLowercase,
        Some(2) => CanonicalForm::Host,
        form => panic!("form {form:?}"),
    };
    case.same_text("output", &form.apply(case.text("input")));
    Ok(())
}

fn identities(case: &Case<'_>) -> Result<(), Error> {
    let identity = PublicIdentity::from_spki(&case.hex("encryptionKey"), &case.hex("signingKey"))?;
    let fingerprint = identity.fingerprint();
    case.same("fingerprint", fingerprint.as_bytes());
    case.same_text("code", &fingerprint.code());
    case.same("deviceId", fingerprint.device_id(AccountId::from_bytes(case.group_hex("accountId"))).as_bytes());
    Ok(())
}

fn typed_codes(case: &Case<'_>) -> Result<(), Error> {
    match case.kind() {
        "CheckedCode" => {
            case.same_text("code", &AccountSecret::parse(case.text("typed"))?.to_text());
            case.same_text("code", &RecoveryKey::parse(case.text("typed"))?.to_text());
        }
        "AccountCode" => {
            let code = AccountCode::parse(case.text("typed"))?;
            case.same("accountId", code.account().as_bytes());
            case.same_text("code", &code.to_text());
        }
        other => panic!("group {other}"),
    }
    Ok(())
}

fn vaults(case: &Case<'_>) -> Result<(), Error> {
    let (vault, seen) = (case.hex("vault"), case.test["seen"].as_u64().unwrap_or_default());
    let owner = Owner::unlock(login(case)?, &vault, seen)?;
    case.same("loginProof", owner.login_proof().expose());
    case.same("recoveryProof", owner.recovery_proof().expose());
    assert_eq!(owner.generation(), case.number("generation"));
    for reveal in case.test["reveals"].as_array().into_iter().flatten() {
        let value = owner.reveal(&reveal["token"].as_str().unwrap().parse()?)?;
        assert_eq!(HEXLOWER.encode(value.as_bytes()), reveal["value"]);
    }
    if case.group["accountSecret"].is_null() && case.has("s") {
        let (login, _, _) = login_parts(case)?;
        let stretched = Stretched::from_platform(secret(&case.hex("s")));
        assert_eq!(Owner::unlock(login.finish(stretched, None), &vault, seen)?.account(), owner.account());
    }
    Ok(())
}

fn kept_logins(case: &Case<'_>) -> Result<(), Error> {
    let kept = KeptLogin::from_exposed(case.hex("kept"));
    let unlocking = start(case)?.resume(&kept)?;
    case.same("loginProof", unlocking.proof().expose());
    let owner = Owner::unlock(unlocking, &case.group_bytes("vault"), 0)?;
    assert_eq!(owner.generation(), case.number("generation"));
    assert_eq!(owner.keep_unlocked().expose(), kept.expose());
    Ok(())
}

fn backups(case: &Case<'_>) -> Result<(), Error> {
    let backup = Backup::parse(case.text("file"))?;
    let restored = match case.group["passphrase"].as_str() {
        Some(passphrase) => backup.open_with_passphrase(&Password::new(passphrase)?)?,
        None => {
            let key = RecoveryKey::parse(case.group["recoveryKey"].as_str().unwrap())?;
            backup.open_with_recovery_key(&key)?
        }
    };
    case.same("accountId", restored.account().as_bytes());
    assert_eq!(Backup::parse(&backup.to_text())?, backup);
    Ok(())
}

/// The keys of a ticket are not public: what they do to a request is.
fn tickets(case: &Case<'_>) -> Result<(), Error> {
    let agents = (case.load)("agent_state");
    let state = bytes(&agents["testGroups"][0]["tests"][0]["state"]);
    let ticket = Ticket::parse(case.text("text"))?;
    case.same("accountId", ticket.account().as_bytes());
    case.same("ticketId", ticket.id().as_bytes());
    case.same("authenticatorHash", &ticket.authenticator_hash());
    assert_eq!(u64::from(ticket.uses().get()), case.number("uses"));
    assert_eq!(format!("blindtally:{}", *ticket.to_text()), *ticket.to_link());
    assert!([&*ticket.to_text(), &*ticket.to_link()].contains(&&case.text("text").to_owned()));
    let (pending, request) = Agent::enroll_with(&ticket, "name", identity_of(&state))?;
    case.same("authKey", pending.claim().expose());
    assert_eq!(pending.claim().ticket(), Some(ticket.id()));
    if case.has("macKey") {
        check_request(case, request.as_bytes());
    }
    Ok(())
}

/// Fingerprint, expiry, MAC and sealed name of a request as SPEC.md#enrollment lays them out, for a 2048-bit device.
fn check_request(case: &Case<'_>, request: &[u8]) {
    case.same("fingerprint", &request[21..53]);
    assert_eq!(request[69..77], case.number("expiry").to_be_bytes());
    let (part2, rest) = request.split_at(request.len() - 32 - 2 - 256);
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&case.hex("macKey")).unwrap();
    mac.update(part2);
    mac.verify_slice(&rest[..32]).unwrap();
    let (part1, name) = part2.split_at(part2.len() - 2 - 32);
    let cipher = aes_gcm_siv::Aes256GcmSiv::new_from_slice(&case.hex("nameKey")).unwrap();
    let nonce = part1[part1.len() - 12..].try_into().unwrap();
    let padded = cipher.decrypt(&nonce, Payload { msg: &name[2..], aad: part1 }).unwrap();
    assert_eq!(padded, b"name\x80\0\0\0\0\0\0\0\0\0\0\0");
}

fn enrollments(case: &Case<'_>) -> Result<(), Error> {
    let owner = owner_of_requests(case)?;
    let now = Timestamp::from_unix_secs(case.group["now"].as_u64().unwrap());
    let request = EnrollmentRequest::from_bytes(&case.hex("request"))?;
    match owner.inspect(&request, now)? {
        Inspection::Verified(verified) => {
            assert_eq!(case.test["needsComparison"], false);
            case.same("deviceId", verified.device_id().as_bytes());
            case.same_text("name", verified.name());
        }
        Inspection::NeedsComparison(comparison) => {
            assert_ne!(case.test["needsComparison"], false);
            case.same("deviceId", comparison.device_id().as_bytes());
            if case.has("typedCode") {
                let verified = comparison.confirm(case.text("typedCode"), "a name")?;
                case.same("deviceId", verified.device_id().as_bytes());
            }
        }
    }
    Ok(())
}

thread_local! {
    /// By vault, the logins of owners that judge requests: a password is stretched once for all of them.
    static KEPT: RefCell<HashMap<Vec<u8>, KeptLogin>> = RefCell::default();
}

fn owner_of_requests(case: &Case<'_>) -> Result<Owner, Error> {
    let vault = case.group_bytes("vault");
    KEPT.with_borrow_mut(|kept| {
        let unlocking = match kept.get(&vault) {
            Some(kept) => start(case)?.resume(kept)?,
            None => login(case)?,
        };
        let owner = Owner::unlock(unlocking, &vault, 0).unwrap();
        kept.insert(vault, owner.keep_unlocked());
        Ok(owner)
    })
}

fn policies(case: &Case<'_>) -> Result<(), Error> {
    let mut agent = restore(&case.group_bytes("agentState"))?.agent()?;
    act(case, &mut agent, |agent| agent.apply_policy(&case.hex("policy")))
}

fn deliveries(case: &Case<'_>) -> Result<(), Error> {
    match restore(&case.group_bytes("agentState"))? {
        RestoredAgent::Agent(mut agent) => act(case, &mut agent, |agent| agent.accept(&case.hex("delivery"))),
        RestoredAgent::Pending(pending) => {
            let agent = pending.accept(&case.hex("delivery"))?;
            case.same_text("outcome", "accepted");
            check_agent(case, &agent);
            Ok(())
        }
    }
}

/// What an act on a running agent leads to; a refusal changes nothing (SPEC.md#accept-state).
fn act(
    case: &Case<'_>,
    agent: &mut Agent,
    act: impl Fn(&mut Agent) -> Result<Outcome, AcceptError>,
) -> Result<(), Error> {
    let before = agent.save().expose().to_vec();
    let outcome = act(agent).inspect_err(|_| assert_eq!(agent.save().expose(), before))?;
    case.same_text(
        "outcome",
        match outcome {
            Outcome::Updated if case.has("delivery") => "accepted",
            Outcome::Updated => "updated",
            Outcome::Unchanged => "unchanged",
            Outcome::DeliveryNeeded => "delivery-needed",
            Outcome::Revoked => "revoked",
        },
    );
    case.same("after", agent.save().expose());
    check_agent(case, agent);
    check_agent(case, &restore(agent.save().expose())?.agent()?);
    Ok(())
}

fn agent_states(case: &Case<'_>) -> Result<(), Error> {
    match case.kind() {
        "AgentState" => check_state(case),
        "QueueRecord" => check_queue_record(case),
        other => panic!("group {other}"),
    }
}

fn check_state(case: &Case<'_>) -> Result<(), Error> {
    let state = case.hex("state");
    let saved = match case.has("wrapKey") {
        true => SavedAgent::unwrap_with(&state, &secret(&case.hex("wrapKey")))?,
        false => SavedAgent::from_exposed(state),
    };
    match saved.restore()? {
        RestoredAgent::Pending(pending) => {
            case.same_text("phase", "pending");
            case.same("deviceId", pending.device_id().as_bytes());
            assert_eq!(pending.save().expose(), saved.expose());
        }
        RestoredAgent::Agent(agent) => {
            case.same("deviceId", agent.device_id().as_bytes());
            assert_eq!(agent.save().expose(), saved.expose());
            check_agent(case, &agent);
        }
    }
    Ok(())
}

/// Records of the queue come out as tokens only. One of a record class cannot be opened here: its fields are compared.
fn check_queue_record(case: &Case<'_>) -> Result<(), Error> {
    let agent = restore(&case.group_bytes("agentState"))?.agent()?;
    let record = Record::parse(case.text("record"))?;
    if let AnyClass::Record(class) = record.class()
        && record.epoch() == 0
    {
        let fields = (u64::from(class.id()), u64::from(record.epoch()), record.seq());
        assert_eq!(fields, (case.number("class"), 0, case.number("seq")));
        return Ok(());
    }
    let token = agent.dequeue(&record)?;
    let value = String::from_utf8(case.hex("value")).unwrap();
    assert_eq!(token, agent.tokenize(case.class()?, &value)?);
    Ok(())
}

fn check_agent(case: &Case<'_>, agent: &Agent) {
    let phase = match agent.status() {
        AgentStatus::Encrypted { .. } | AgentStatus::NeedsUpgrade => "encrypted",
        AgentStatus::Revoked => "revoked",
    };
    case.same_text("phase", phase);
    for pair in case.test["tokens"].as_array().into_iter().flatten() {
        let (class, value) = (pair["class"].as_u64().unwrap() as u8, pair["value"].as_str().unwrap());
        let (made, wanted) = match AnyClass::from_id(class).unwrap() {
            AnyClass::Token(class) => match agent.tokenize(class, value) {
                Ok(token) => (token.to_string(), &pair["token"]),
                Err(error) => (error.code().to_owned(), &pair["expect"]),
            },
            AnyClass::Record(class) => {
                (agent.seal_record(class, value, 1).unwrap_err().code().to_owned(), &pair["expect"])
            }
            AnyClass::Blob(_) => panic!("no blobs in this version"),
        };
        assert_eq!(made, *wanted, "class {class}, {value}");
    }
}

fn epoch_key(case: &Case<'_>) -> EpochKey {
    let account = AccountId::from_bytes(case.group_hex("accountId"));
    let epoch = Epoch::new(case.group["epoch"].as_u64().unwrap() as u16).unwrap();
    MasterKey::from_secret(Secret::copy_of(&case.group_hex("masterKey"))).epoch_key(Scope { account, epoch })
}

fn login(case: &Case<'_>) -> Result<Unlocking, Error> {
    let (login, password, account_secret) = login_parts(case)?;
    let stretched = login.stretch().run(&password)?;
    Ok(login.finish(stretched, account_secret.as_ref()))
}

fn login_parts(case: &Case<'_>) -> Result<(Login, Password, Option<AccountSecret>), Error> {
    let (login, inputs) = (start(case)?, case.group);
    let password = Password::new(inputs["password"].as_str().unwrap())?;
    let account_secret = inputs["accountSecret"].as_str().map(AccountSecret::parse).transpose()?;
    Ok((login, password, account_secret))
}

fn start(case: &Case<'_>) -> Result<Login, Error> {
    let given = &case.group["prelogin"];
    let param = |at: usize| given["params"][at].as_u64().unwrap() as u32;
    let kdf = match given["kdf"].as_u64() {
        Some(1) => Kdf::Pbkdf2 { iterations: param(0) },
        Some(2) => Kdf::Argon2id { m_kib: param(0), t: param(1), p: param(2) },
        kdf => panic!("KDF {kdf:?}"),
    };
    let prelogin =
        Prelogin { kdf, salt: array(&given["salt"]), account: AccountId::from_bytes(array(&given["accountId"])) };
    Ok(Login::start(LoginName::new(case.group["login"].as_str().unwrap())?, prelogin)?)
}

fn restore(state: &[u8]) -> Result<RestoredAgent, RestoreError> {
    SavedAgent::from_exposed(state.to_vec()).restore()
}

/// The device's keys in a pending agent's state that has a ticket.
fn identity_of(state: &[u8]) -> Identity {
    let mut rest = &state[4 + 1 + 16 + 1 + 32..];
    let mut pkcs8 = || {
        let len = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        let (key, tail) = rest[4..].split_at(len);
        rest = tail;
        key
    };
    Identity::from_pkcs8(pkcs8(), pkcs8()).unwrap()
}

fn secret(bytes: &[u8]) -> Secret<32> {
    Secret::copy_of(bytes.try_into().unwrap())
}

fn array<const N: usize>(hex: &Value) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    HEXLOWER.decode(hex.as_str().expect("hexadecimal").as_bytes()).unwrap()
}

/// One test with the inputs of its group.
struct Case<'a> {
    group: &'a Value,
    test: &'a Value,
    load: &'a dyn Fn(&str) -> Value,
}

impl Case<'_> {
    fn kind(&self) -> &str {
        self.group["type"].as_str().unwrap()
    }

    fn has(&self, name: &str) -> bool {
        !self.test[name].is_null()
    }

    fn hex(&self, name: &str) -> Vec<u8> {
        bytes(&self.test[name])
    }

    fn text(&self, name: &str) -> &str {
        self.test[name].as_str().unwrap()
    }

    fn number(&self, name: &str) -> u64 {
        self.test[name].as_u64().unwrap()
    }

    fn class(&self) -> Result<TokenClass, ParseError> {
        TokenClass::from_id(self.test["class"].as_u64().unwrap_or_default() as u8)
    }

    /// The bytes of this name: the test's own, or the group's after the test's edits (test-vectors/README.md#edits).
    fn edited(&self, name: &str) -> Vec<u8> {
        if self.has(name) {
            return self.hex(name);
        }
        let base = self.group_bytes(name);
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let (mut out, mut at) = (Vec::new(), 0);
        for edit in self.test["edits"].as_array().unwrap() {
            let offset = number(&edit[0]);
            out.extend_from_slice(&base[at..offset]);
            match &edit[2] {
                Value::Array(place) => out.extend_from_slice(&base[number(&place[0])..][..number(&place[1])]),
                hex => out.extend(bytes(hex)),
            }
            at = offset + number(&edit[1]);
        }
        out.extend_from_slice(&base[at..]);
        out
    }

    fn group_hex<const N: usize>(&self, name: &str) -> [u8; N] {
        array(&self.group[name])
    }

    fn group_bytes(&self, name: &str) -> Vec<u8> {
        bytes(&self.group[name])
    }

    /// What was computed is what the test gives under this name, if it gives it.
    fn same(&self, name: &str, computed: &[u8]) {
        self.same_text(name, &HEXLOWER.encode(computed));
    }

    fn same_text(&self, name: &str, computed: &str) {
        assert!(!self.has(name) || self.test[name] == computed, "{name}: {computed} is not {}", self.test[name]);
    }
}

//! The service answers logins: with parameters, and with a vault.

use blindtally::TokenClass;

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{ANNA, BERT, Keys, Person, WORD};
use crate::system::{Account, Cost, System, join};

attacks! {
    a_login_is_made_cheap_to_guess => Refused("kdf.below-floor");
    a_login_is_made_to_take_days => Refused("kdf.above-ceiling");
    a_login_gets_the_salt_of_everybody => Harmless;
    a_login_gets_the_answer_for_another_name => Refused("unlock.other-account");
    a_login_gets_another_salt_than_its_vault => Refused("unlock.header");
    a_proof_opens_the_vault => Refused("unlock.wrong");
    a_weak_password_is_guessed_where_there_is_an_account_secret => Refused("unlock.wrong");
    a_vault_opens_under_two_passwords => Refused("unlock.wrong");
    a_vault_is_changed_in_any_place => Refused("unlock.wrong");
    a_vault_of_another_account_is_shown => Refused("unlock.other-account");
    a_vault_is_a_token => Refused("malformed.magic");
    a_vault_is_rolled_back => Refused("unlock.rolled-back");
    a_vault_is_rolled_back_for_a_kept_login => Refused("unlock.rolled-back");
    a_vault_is_rolled_back_during_work => Harmless;
    a_vault_of_another_account_is_shown_during_work => Refused("unlock.other-account");
    a_kept_login_opens_the_vault_of_another_password => Refused("unlock.header");
    a_kept_login_opens_the_vault_of_another_account => Refused("unlock.other-account");
    a_restored_account_is_shown_a_generation_that_cannot_grow => Refused("owner.full"), seed NotThere;
    two_dashboards_are_shown_two_histories => Harmless;
}

/// One of the passwords that everybody tries first.
const COMMON: [&str; 3] = ["123456", "password", "hunter2"];

/// The password that gives the proof.
fn guess<S: System>(person: Person, shown: &S::Prelogin, proof: &[u8]) -> Option<&'static str> {
    COMMON.into_iter().find(|&password| S::prove(Person { password, ..person }, shown).is_ok_and(|made| made == proof))
}

fn a_login_is_made_cheap_to_guess<S: System>() -> Outcome {
    let (_, account) = S::create(BERT);
    let cheap = S::ask_for(&account.prelogin, Cost::Nothing);
    let proof = S::prove(BERT, &cheap)?;
    guess::<S>(BERT, &cheap, &proof).map(|_| Gain::Keys).ok_or(Failure::Harmless("not one of those"))
}

fn a_login_is_made_to_take_days<S: System>() -> Outcome {
    let (_, account) = S::create(ANNA);
    S::start(ANNA, &S::ask_for(&account.prelogin, Cost::Everything))?;
    Ok(Gain::Lost("begins to compute, for days"))
}

/// So that one table of guesses serves for all customers. It says also that all have the same account.
fn a_login_gets_the_salt_of_everybody<S: System>() -> Outcome {
    let (_, account) = S::create(ANNA);
    let shown = S::one_for_all(&account.prelogin);
    let anna = S::prove(Person { password: BERT.password, ..ANNA }, &shown)?;
    if anna == S::prove(BERT, &shown)? {
        Ok(Gain::Accepted("one table of guesses serves for all"))
    } else {
        Err(Failure::Harmless("salts hold the login name"))
    }
}

/// Logs in with what the service shows, and works.
fn use_shown<S: System>(shown: &Account<S>, seen: u64) -> Outcome {
    S::login(ANNA, shown, seen)?;
    Ok(Gain::Accepted("works with keys that are not the account's"))
}

/// All of the answer is Bert's, and then Bert's vault comes: only the password is Anna's. Or Anna's vault comes.
fn a_login_gets_the_answer_for_another_name<S: System>() -> Outcome {
    let (_, anna) = S::create(ANNA);
    let (_, bert) = S::create(BERT);
    use_shown::<S>(&Account { prelogin: bert.prelogin, ..anna }, 0)
}

fn a_login_gets_another_salt_than_its_vault<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    let new = S::change_password(&mut owner, ANNA.password);
    use_shown::<S>(&Account { prelogin: old.prelogin, ..new }, 0)
}

fn a_proof_opens_the_vault<S: System>() -> Outcome {
    let (mut owner, account) = S::create(ANNA);
    let laptop = join::<S>(&mut owner, Keys::Laptop);
    let keys = S::unwrap_with_proof(ANNA, &account)?;
    let token = S::tokenize(&laptop.agent, TokenClass::APP, WORD)?;
    S::read(&keys, &token).map(Gain::Plaintext).ok_or(Failure::Harmless("other keys"))
}

/// Guessing by the proof comes to nothing, so it tries whether the vault opens.
fn a_weak_password_is_guessed_where_there_is_an_account_secret<S: System>() -> Outcome {
    let (_, account) = S::create_with_secret(BERT);
    let guessed = guess::<S>(BERT, &account.prelogin, &account.proof).unwrap_or(BERT.password);
    S::login(Person { password: guessed, ..BERT }, &account, 0)?;
    Ok(Gain::Keys)
}

/// Then the service learns by a login whether the password is one of them: half a dictionary at a time, if many fit one
/// vault (Len, Grubbs, Ristenpart 2021).
fn a_vault_opens_under_two_passwords<S: System>() -> Outcome {
    let (_, account) = S::create(ANNA);
    let guesses = ["123456", ANNA.password];
    let (prelogin, vault) = S::craft_vault(ANNA, &account.prelogin, guesses);
    let shown = Account { prelogin, vault, ..account };
    match guesses.map(|password| S::login(Person { password, ..ANNA }, &shown, 0)) {
        [Ok(_), Ok(_)] => Ok(Gain::Accepted("opens under each of two passwords")),
        // It would open under the second, if there were no commitment to the first.
        [_, Err(refusal)] | [Err(refusal), _] => Err(refusal),
    }
}

/// After what is compared with what the login began with: generation, commitment, nonce, keyring and tag. All are refused
/// alike, since a difference would tell something (SPEC.md#unlock-one-error).
fn a_vault_is_changed_in_any_place<S: System>() -> Outcome {
    let (_, account) = S::create(ANNA);
    let kept = S::keep(&S::login(ANNA, &account, 0)?);
    let mut refusals = Vec::new();
    for at in S::VAULT_HEAD..account.vault.len() {
        let mut vault = account.vault.clone();
        vault[at] ^= 1;
        match S::login_kept(ANNA, &kept, &Account { vault, ..account.clone() }, 0) {
            Ok(_) => return Ok(Gain::Accepted("works with keys that are not the account's")),
            Err(refusal) => refusals.push(refusal),
        }
    }
    refusals.dedup();
    match refusals.pop() {
        Some(refusal) if refusals.is_empty() => Err(refusal),
        _ => Ok(Gain::Learned("tells apart why it was refused")),
    }
}

/// Both have the same password here: else it would fail for that alone.
fn a_vault_of_another_account_is_shown<S: System>() -> Outcome {
    let (_, anna) = S::create(ANNA);
    let (_, bert) = S::create(Person { password: ANNA.password, ..BERT });
    use_shown::<S>(&Account { vault: bert.vault, ..anna }, 0)
}

fn a_vault_is_a_token<S: System>() -> Outcome {
    let (mut owner, account) = S::create(ANNA);
    let laptop = join::<S>(&mut owner, Keys::Laptop);
    let token = S::tokenize(&laptop.agent, TokenClass::TITLE, "Budget 2027 - LibreOffice")?;
    use_shown::<S>(&Account { vault: S::token_bytes(&token), ..account }, 0)
}

/// To before a rotation that followed a theft, so that the thief's keys are the newest again.
fn a_vault_is_rolled_back<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    S::rotate(&mut owner, &[]);
    S::login(ANNA, &old, S::generation(&owner))?;
    Ok(Gain::Accepted("works with the keys of before"))
}

fn a_vault_is_rolled_back_for_a_kept_login<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    S::rotate(&mut owner, &[]);
    S::login_kept(ANNA, &S::keep(&owner), &old, S::generation(&owner))?;
    Ok(Gain::Accepted("works with the keys of before"))
}

/// The client looks whether another client has changed something.
fn a_vault_is_rolled_back_during_work<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    let mut laptop = join::<S>(&mut owner, Keys::Laptop);
    let rotated = S::rotate(&mut owner, &[&laptop.request]);
    S::accept(&mut laptop.agent, rotated.to(&S::device(&laptop.request)))?;
    let token = S::tokenize(&laptop.agent, TokenClass::APP, WORD)?;
    let stored = S::sync(&mut owner, &old.vault)?.unwrap_or(old.vault.clone());
    let later = S::login(ANNA, &Account { vault: stored, ..old }, 0)?;
    if S::reveal(&later, &token).is_ok_and(|word| word == WORD) {
        Err(Failure::Harmless("the client stores again what was taken away"))
    } else {
        Ok(Gain::Lost("what was recorded since opens no more"))
    }
}

fn a_vault_of_another_account_is_shown_during_work<S: System>() -> Outcome {
    let (mut anna, _) = S::create(ANNA);
    let (_, bert) = S::create(Person { password: ANNA.password, ..BERT });
    S::sync(&mut anna, &bert.vault)?;
    Ok(Gain::Accepted("works with keys that are not the account's"))
}

/// Somebody copied a browser's profile; after that the password was changed. The service helps with what it has.
fn a_kept_login_opens_the_vault_of_another_password<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    let kept = S::keep(&owner);
    let new = S::change_password(&mut owner, "a better one");
    S::login_kept(ANNA, &kept, &Account { prelogin: old.prelogin, ..new }, 0)?;
    Ok(Gain::Accepted("works with keys that are not the account's"))
}

fn a_kept_login_opens_the_vault_of_another_account<S: System>() -> Outcome {
    let (anna, shown) = S::create(ANNA);
    let (_, bert) = S::create(Person { password: ANNA.password, ..BERT });
    S::login_kept(ANNA, &S::keep(&anna), &Account { vault: bert.vault, ..shown }, 0)?;
    Ok(Gain::Accepted("works with keys that are not the account's"))
}

/// So that no vault could ever be stored again: at once, after one more, or where databases end.
fn a_restored_account_is_shown_a_generation_that_cannot_grow<S: System>() -> Outcome {
    let (owner, account) = S::create(ANNA);
    let backup = S::backup(&owner);
    let mut refusal = Failure::NotThere("vaults have no numbers");
    for generation in [u64::MAX, u64::MAX - 1, i64::MAX as u64, i64::MAX as u64 - 1] {
        match S::restore(&backup, ANNA, &account, generation, &[]) {
            Ok((restored, _)) if S::generation(&restored) == 0 => {}
            Ok(_) => return Ok(Gain::Lost("can soon change nothing any more")),
            Err(refused) => refusal = refused,
        }
    }
    Err(refusal)
}

/// Each has a device approved and starts an epoch; the service tells neither of the other, until it does.
fn two_dashboards_are_shown_two_histories<S: System>() -> Outcome {
    let (mut one, account) = S::create(ANNA);
    let mut two = S::login(ANNA, &account, 0)?;
    let mut tokens = Vec::new();
    let mut vaults = Vec::new();
    for (owner, keys) in [(&mut one, Keys::Laptop), (&mut two, Keys::Desktop)] {
        let mut device = join::<S>(owner, keys);
        let sent = S::rotate(owner, &[&device.request]);
        S::accept(&mut device.agent, sent.to(&S::device(&device.request)))?;
        tokens.push(S::tokenize(&device.agent, TokenClass::APP, WORD)?);
        vaults.push(sent.vault);
    }
    let theirs = vaults.pop().unwrap();
    let stored = S::sync(&mut one, &theirs)?.unwrap_or(theirs);
    let later = S::login(ANNA, &Account { vault: stored, ..account }, 0)?;
    if tokens.iter().all(|token| S::reveal(&later, token).is_ok_and(|word| word == WORD)) {
        Err(Failure::Harmless("merged: nothing is lost"))
    } else {
        Ok(Gain::Lost("what one of them saw recorded opens no more"))
    }
}

//! What nobody can prevent succeeds against both schemes: SECURITY.md, what is not prevented.

use std::collections::BTreeMap;

use blindtally::TokenClass;

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{ANNA, BERT, Keys, Person, WORD};
use crate::system::{System, join, running};

const OTHER: &str = "chess.exe";

attacks! {
    equal_values_show => Succeeds;
    the_most_frequent_value_is_the_one_that_everybody_uses => Succeeds;
    long_values_show => Succeeds;
    rows_are_left_out_of_a_report => Succeeds;
    rows_are_counted_twice => Succeeds;
    rows_of_one_class_are_moved => Succeeds;
    records_are_withheld => Succeeds;
    new_keys_are_withheld => Succeeds;
    a_removal_is_withheld => Succeeds;
    a_device_that_leaks_reads_for_the_whole_account => Succeeds;
    a_device_that_leaks_forges_for_the_whole_account => Succeeds;
    a_removed_device_reads_what_was_sealed_before => Succeeds;
    a_weak_password_is_guessed => Succeeds;
    an_old_vault_opens_with_an_old_password => Succeeds;
    an_old_vault_opens_with_an_old_kept_login => Succeeds;
    a_client_without_a_memory_is_shown_an_old_vault => Succeeds;
    a_restored_account_is_not_told_of_a_removal => Succeeds;
    an_invitation_is_used_in_each_of_two_histories => Succeeds;
    what_a_program_tokenizes_anew_unasked_tells_which_words_occur => Succeeds;
}

fn tokens<S: System>(agent: &S::Agent, words: &[&str]) -> Result<Vec<String>, Failure> {
    words.iter().map(|word| S::tokenize(agent, TokenClass::APP, word)).collect()
}

/// What the owner's report says: how often each word occurs.
fn report<S: System>(owner: &S::Owner, rows: &[String]) -> Result<BTreeMap<String, usize>, Failure> {
    let mut totals = BTreeMap::new();
    for row in rows {
        *totals.entry(S::reveal(owner, row)?).or_default() += 1;
    }
    Ok(totals)
}

/// This is what the service is for: it adds up what is equal.
fn equal_values_show<S: System>() -> Outcome {
    let (_, laptop) = running::<S>(Keys::Laptop);
    let rows = tokens::<S>(&laptop.agent, &[WORD, OTHER, WORD])?;
    let seen = S::group(&rows[0]) == S::group(&rows[2]) && S::group(&rows[0]) != S::group(&rows[1]);
    if seen { Ok(Gain::Learned("sees which values are equal")) } else { Err(Failure::Harmless("all look different")) }
}

/// The service knows from elsewhere what people use most.
fn the_most_frequent_value_is_the_one_that_everybody_uses<S: System>() -> Outcome {
    const MOST_USED: &str = "chrome.exe";
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let rows = tokens::<S>(&laptop.agent, &[WORD, MOST_USED, OTHER, MOST_USED, WORD, MOST_USED])?;
    let count = |token: &&String| rows.iter().filter(|row| row == token).count();
    let guessed = rows.iter().max_by_key(count).unwrap();
    if S::reveal(&owner, guessed)? == MOST_USED {
        Ok(Gain::Plaintext(MOST_USED.to_owned()))
    } else {
        Err(Failure::Harmless("guessed wrong"))
    }
}

fn long_values_show<S: System>() -> Outcome {
    let (_, laptop) = running::<S>(Keys::Laptop);
    let rows = tokens::<S>(
        &laptop.agent,
        &["a", "a sentence of about eighty letters, which somebody typed into the title of a page"],
    )?;
    if rows[0].len() < rows[1].len() {
        Ok(Gain::Learned("sees which values are longer"))
    } else {
        Err(Failure::Harmless("all are as long"))
    }
}

fn rows_are_left_out_of_a_report<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let mut rows = tokens::<S>(&laptop.agent, &[WORD, WORD, OTHER])?;
    rows.truncate(2);
    if report::<S>(&owner, &rows)?.contains_key(OTHER) {
        return Err(Failure::Harmless("it is there"));
    }
    Ok(Gain::Lost("misses rows, and nobody notices"))
}

fn rows_are_counted_twice<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let mut rows = tokens::<S>(&laptop.agent, &[WORD, OTHER])?;
    rows.push(rows[1].clone());
    if report::<S>(&owner, &rows)?[OTHER] == 1 {
        return Err(Failure::Harmless("counted once"));
    }
    Ok(Gain::Accepted("counts rows twice, and nobody notices"))
}

/// What was recorded at nine is shown at ten, or as of another device: an event is the service's own record.
fn rows_of_one_class_are_moved<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let rows = tokens::<S>(&laptop.agent, &[WORD, OTHER])?;
    let moved: BTreeMap<u8, &String> = [(9, &rows[1]), (10, &rows[0])].into();
    if S::reveal(&owner, moved[&9])? == OTHER {
        Ok(Gain::Accepted("shows rows at other times, and nobody notices"))
    } else {
        Err(Failure::Harmless("shown where it belongs"))
    }
}

/// Each is genuine; that there was one more, none of them says.
fn records_are_withheld<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let seal = |text, time| S::seal_record(&laptop.agent, blindtally::RecordClass::CHAT, text, time);
    let records = [seal("yes", 1)?, seal("no, wait", 2)?, seal("agreed", 3)?];
    for record in [&records[0], &records[2]] {
        S::open_record(&owner, record)?;
    }
    Ok(Gain::Lost("misses a record, and nobody notices"))
}

/// The agent seals on with the keys it has, which have leaked.
fn new_keys_are_withheld<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let leaked = S::spill(&laptop.agent);
    S::rotate(&mut owner, &[&laptop.request]);
    let token = S::tokenize(&laptop.agent, TokenClass::APP, WORD)?;
    S::read(&leaked, &token).map(Gain::Plaintext).ok_or(Failure::Harmless("other keys"))
}

/// The device is stolen, and is never told that it was removed.
fn a_removal_is_withheld<S: System>() -> Outcome {
    let (mut owner, stolen) = running::<S>(Keys::Laptop);
    S::revoke(&mut owner, &S::device(&stolen.request), &[]);
    let token = S::tokenize(&stolen.agent, TokenClass::APP, WORD)?;
    S::reveal(&owner, &token)?;
    Ok(Gain::Accepted("takes rows of a removed device"))
}

/// Its user reads its memory, or its saved state, and helps the service. Tokens that group need a shared key.
fn a_device_that_leaks_reads_for_the_whole_account<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let token = S::tokenize(&desktop.agent, TokenClass::APP, WORD)?;
    S::read(&S::spill(&laptop.agent), &token).map(Gain::Plaintext).ok_or(Failure::Harmless("other keys"))
}

fn a_device_that_leaks_forges_for_the_whole_account<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let forged = S::forge_token(&S::spill(&laptop.agent), OTHER);
    if forged == S::tokenize(&desktop.agent, TokenClass::APP, OTHER)? {
        Ok(Gain::Accepted("counts what the other device never did"))
    } else {
        Err(Failure::Harmless("other keys"))
    }
}

/// Of every device, up to the rotation.
fn a_removed_device_reads_what_was_sealed_before<S: System>() -> Outcome {
    let (mut owner, stolen) = running::<S>(Keys::Laptop);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let token = S::tokenize(&desktop.agent, TokenClass::APP, WORD)?;
    let leaked = S::spill(&stolen.agent);
    S::revoke(&mut owner, &S::device(&stolen.request), &[]);
    S::read(&leaked, &token).map(Gain::Plaintext).ok_or(Failure::Harmless("other keys"))
}

/// At the price of one derivation for each guess, without asking anybody.
fn a_weak_password_is_guessed<S: System>() -> Outcome {
    let (_, account) = S::create(BERT);
    for password in ["123456", "password", "hunter2"] {
        let guessed = Person { password, ..BERT };
        if S::prove(guessed, &account.prelogin)? == account.proof {
            S::login(guessed, &account, 0)?;
            return Ok(Gain::Keys);
        }
    }
    Err(Failure::Harmless("not one of these"))
}

/// The password leaked, and was changed for that.
fn an_old_vault_opens_with_an_old_password<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    S::change_password(&mut owner, "a better one");
    S::login(ANNA, &old, 0)?;
    Ok(Gain::Keys)
}

/// A copied profile of a browser that was to stay unlocked.
fn an_old_vault_opens_with_an_old_kept_login<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    let kept = S::keep(&owner);
    S::change_password(&mut owner, "a better one");
    S::login_kept(ANNA, &kept, &old, 0)?;
    Ok(Gain::Keys)
}

/// A new browser knows of no generation.
fn a_client_without_a_memory_is_shown_an_old_vault<S: System>() -> Outcome {
    let (mut owner, old) = S::create(ANNA);
    S::rotate(&mut owner, &[]);
    S::login(ANNA, &old, 0)?;
    Ok(Gain::Accepted("works with the keys of before"))
}

/// The service shows the policy of before, and the backup is older than the theft.
fn a_restored_account_is_not_told_of_a_removal<S: System>() -> Outcome {
    let (mut owner, account) = S::create(ANNA);
    let mut stolen = join::<S>(&mut owner, Keys::Laptop);
    let backup = S::backup(&owner);
    let device = S::device(&stolen.request);
    S::revoke(&mut owner, &device, &[]);
    let (restored, sent) = S::restore(&backup, ANNA, &account, S::generation(&owner), &[&stolen.request])?;
    S::accept(&mut stolen.agent, sent.to(&device))?;
    S::reveal(&restored, &S::tokenize(&stolen.agent, TokenClass::APP, WORD)?)?;
    Ok(Gain::Accepted("gives the removed device its keys again"))
}

/// A thief found an installer, and the service shows the thief's request to a client that has not heard of the owner's.
fn an_invitation_is_used_in_each_of_two_histories<S: System>() -> Outcome {
    let (mut one, account) = S::create(ANNA);
    let mut two = S::login(ANNA, &account, 0)?;
    let invitation = S::invite(&one);
    let (mut laptop, genuine) = S::enroll(&invitation, Keys::Laptop);
    let sent = S::approve(&mut one, &genuine)?;
    S::accept(&mut laptop, sent.to(&S::device(&genuine)))?;
    let (mut spy, request) = S::enroll(&invitation, Keys::Service);
    let shown = S::approve(&mut two, &request)?;
    S::accept(&mut spy, shown.to(&S::device(&request)))?;
    S::sync(&mut one, &shown.vault)?;
    let token = S::tokenize(&laptop, TokenClass::APP, WORD)?;
    S::read(&S::spill(&spy), &token).map(Gain::Plaintext).ok_or(Failure::Harmless("other keys"))
}

/// What the library's documentation forbids to programs, and ours do not do: to follow rows that no person picked over a
/// rotation. A removed device makes tokens of words of the service's choosing, in its epoch.
fn what_a_program_tokenizes_anew_unasked_tells_which_words_occur<S: System>() -> Outcome {
    let (mut owner, stolen) = running::<S>(Keys::Laptop);
    let leaked = S::spill(&stolen.agent);
    let mut desktop = join::<S>(&mut owner, Keys::Desktop);
    let sent = S::revoke(&mut owner, &S::device(&stolen.request), &[&desktop.request]);
    S::accept(&mut desktop.agent, sent.to(&S::device(&desktop.request)))?;
    let row = S::tokenize(&desktop.agent, TokenClass::APP, OTHER)?;
    for word in [WORD, OTHER] {
        if S::retokenize(&owner, &S::forge_token(&leaked, word))? == row {
            return Ok(Gain::Plaintext(word.to_owned()));
        }
    }
    Err(Failure::Harmless("none of these"))
}

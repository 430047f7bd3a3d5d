//! The service changes what agents have sealed, or learns from it.

use std::collections::BTreeSet;

use blindtally::{BlobClass, RecordClass, TokenClass};

use crate::attack::{Failure, Gain, Outcome, attacks};
use crate::people::{ANNA, BERT, Keys, WORD};
use crate::system::{Label, Opened, System, TokenLabel, join, running};

attacks! {
    a_token_is_moved_to_another_class => Refused("reveal.tampered");
    a_token_is_moved_to_another_epoch => Refused("reveal.tampered"), seed NotThere;
    a_token_is_said_to_be_of_older_algorithms => Refused("malformed.suite"), seed NotThere;
    tokens_are_moved_to_another_account => Refused("reveal.tampered");
    halves_of_two_tokens_are_put_together => Refused("reveal.tampered");
    altered_tokens_are_shown_to_learn_which_of_them_open => Refused("reveal.tampered");
    two_values_are_made_to_look_like_one_group => Harmless, seed Harmless;
    values_that_begin_alike_are_found => Harmless;
    a_word_is_found_in_another_class => Harmless;
    a_record_is_shown_under_another_class => Refused("record.tampered");
    a_record_is_shown_as_of_another_device => Refused("record.tampered");
    a_record_is_shown_at_another_time => Refused("record.tampered");
    a_device_that_leaks_reads_records_of_others => Harmless;
    a_device_that_leaks_forges_records_of_others => Refused("record.tampered");
    a_screenshot_is_shown_under_another_class => Refused("blob.no-key");
    a_screenshot_is_shown_as_of_another_device => Refused("blob.no-key");
    a_screenshot_is_shown_at_another_time => Refused("blob.no-key");
    a_piece_is_taken_out_of_a_recording => Refused("blob.tampered");
    two_pieces_of_a_recording_are_exchanged => Refused("blob.tampered");
    a_piece_of_another_recording_is_put_in => Refused("blob.tampered");
    a_recording_is_cut_off => Refused("blob.truncated");
    a_file_of_an_archive_gets_another_path => Refused("archive.damaged");
    files_of_an_archive_are_left_out => Harmless;
}

fn a_token_is_moved_to_another_class<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let token = S::tokenize(&laptop.agent, TokenClass::TITLE, "Dismissal of B. Meier")?;
    S::reveal(&owner, &S::relabel(&token, TokenLabel::Class(TokenClass::APP))?)?;
    Ok(Gain::Accepted("shows a title as a program"))
}

/// There are two, and the owner has the keys of both.
fn a_token_is_moved_to_another_epoch<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let token = S::tokenize(&laptop.agent, TokenClass::APP, WORD)?;
    S::rotate(&mut owner, &[&laptop.request]);
    S::reveal(&owner, &S::relabel(&token, TokenLabel::Epoch)?)?;
    Ok(Gain::Accepted("shows it as of another epoch"))
}

fn a_token_is_said_to_be_of_older_algorithms<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let token = S::tokenize(&laptop.agent, TokenClass::APP, WORD)?;
    S::reveal(&owner, &S::relabel(&token, TokenLabel::OlderAlgorithms)?)?;
    Ok(Gain::Accepted("opens it by older algorithms"))
}

/// Of so many, some are well-formed by chance where nothing but their form is checked.
fn tokens_are_moved_to_another_account<S: System>() -> Outcome {
    let (anna, _) = S::create(ANNA);
    let (mut bert, _) = S::create(BERT);
    let desktop = join::<S>(&mut bert, Keys::Desktop);
    let tokens = (0..6000).map(|number| S::tokenize(&desktop.agent, TokenClass::APP, &number.to_string()));
    only_refusal(tokens.map(|token| S::reveal(&anna, &token?).map(|_| Gain::Accepted("shows what nobody recorded"))))
}

/// The first gain; else the code of every refusal, of which there must be one, since others could tell something.
fn only_refusal(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let mut only = None;
    for outcome in outcomes {
        let refusal = outcome.err();
        match (refusal, &only) {
            (None, _) => return Ok(Gain::Accepted("shows what nobody recorded")),
            (Some(refusal), None) => only = Some(refusal),
            (Some(refusal), Some(known)) if refusal == *known => {}
            _ => return Ok(Gain::Learned("tells apart why it was refused")),
        }
    }
    Err(only.unwrap())
}

/// Those of a contract with the salary of another.
fn halves_of_two_tokens_are_put_together<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let titles = ["Contract: A. Schmidt, 41,000 a year, Berlin", "Contract: B. Petrov, 97,000 a year, Munich"];
    let [mut one, two] =
        titles.map(|title| S::tokenize(&laptop.agent, TokenClass::TITLE, title).map(|it| S::token_bytes(&it)));
    let (one, two) = (one.as_mut().unwrap(), two?);
    let half = one.len() / 2 / 16 * 16;
    let shown = S::reveal(&owner, &S::token_text(&[&one[..half], &two[half..]].concat()))?;
    Ok(if titles.contains(&shown.as_str()) {
        Gain::Plaintext(shown)
    } else {
        Gain::Accepted("shows what nobody recorded")
    })
}

/// The service puts altered tokens on the owner's page, and sees by what the page then does which of them opened. Where
/// that tells whether the end of a block is well-formed, a block is read byte by byte (Vaudenay 2002).
fn altered_tokens_are_shown_to_learn_which_of_them_open<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let token = S::token_bytes(&S::tokenize(&laptop.agent, TokenClass::APP, WORD)?);
    let block = &token[token.len() - 16..];
    let mut refusals = Vec::new();
    // What the block decrypts to, before what stands in front of it is added.
    let mut found = [0; 16];
    for at in (0..16).rev() {
        let ending = 16 - at as u8;
        let mut before = [0; 16];
        (at + 1..16).for_each(|known| before[known] = found[known] ^ ending);
        let hit = (0..=255).find(|&byte| {
            before[at] = byte;
            let opens = |before: &[u8]| {
                let altered = S::token_text(&[&token[..token.len() - 16], before, block].concat());
                S::reveal(&owner, &altered).map_err(|refusal| refusals.push(refusal)).is_ok()
            };
            is_ending(before, at, opens)
        });
        match hit {
            Some(byte) => found[at] = byte ^ ending,
            None => return only_refusal(refusals.into_iter().map(Err)),
        }
    }
    // In the trusting scheme nothing stands in front of the first block but a constant of zeros.
    let word = found.split(|&byte| byte < 17).next().unwrap();
    Ok(Gain::Plaintext(String::from_utf8_lossy(word).into_owned()))
}

/// Whether it opens, and not by a longer ending that was there by chance.
fn is_ending(mut before: [u8; 16], at: usize, mut opens: impl FnMut(&[u8]) -> bool) -> bool {
    let first = opens(&before);
    if at > 0 {
        before[at - 1] ^= 1;
    }
    first && opens(&before)
}

/// Whoever holds a class key can make two values share a tag, but the group is of the whole token. The trusting scheme
/// withstands this too: it groups by all of what is encrypted.
fn two_values_are_made_to_look_like_one_group<S: System>() -> Outcome {
    let (_, laptop) = running::<S>(Keys::Laptop);
    let genuine = S::tokenize(&laptop.agent, TokenClass::APP, WORD)?;
    let mut with_its_tag = S::token_bytes(&genuine);
    with_its_tag[4] ^= 1;
    if S::group(&S::token_text(&with_its_tag)) == S::group(&genuine) {
        Ok(Gain::Accepted("counts two values as one"))
    } else {
        Err(Failure::Harmless("the group is of the whole token"))
    }
}

fn values_that_begin_alike_are_found<S: System>() -> Outcome {
    let (_, laptop) = running::<S>(Keys::Laptop);
    let titles = ["Contract: A. Sch", "Contract: A. Schmidt, draft", "Contract: A. Schmidt, signed"];
    let begins =
        |title| S::tokenize(&laptop.agent, TokenClass::TITLE, title).map(|it| S::token_bytes(&it)[4..16].to_vec());
    let begins: Vec<_> = titles.into_iter().map(begins).collect::<Result<_, _>>()?;
    if begins[1] == begins[2] {
        Ok(Gain::Learned("sees which values begin alike"))
    } else {
        Err(Failure::Harmless("all of a token depends on all of the value"))
    }
}

/// A program's name among the titles.
fn a_word_is_found_in_another_class<S: System>() -> Outcome {
    let (_, laptop) = running::<S>(Keys::Laptop);
    let classes = [TokenClass::APP, TokenClass::TITLE, TokenClass::DOCUMENT];
    let found: BTreeSet<_> =
        classes.into_iter().map(|class| S::tokenize(&laptop.agent, class, WORD)).collect::<Result<_, _>>()?;
    if found.len() < classes.len() {
        Ok(Gain::Learned("sees equal words over all classes"))
    } else {
        Err(Failure::Harmless("each class has its own key"))
    }
}

fn a_record_is_shown_under_another_class<S: System>() -> Outcome {
    relabel_record::<S>(Label::Class)
}

fn a_record_is_shown_as_of_another_device<S: System>() -> Outcome {
    relabel_record::<S>(Label::Device)
}

fn a_record_is_shown_at_another_time<S: System>() -> Outcome {
    relabel_record::<S>(Label::Time)
}

fn relabel_record<S: System>(label: Label) -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let record = S::seal_record(&laptop.agent, RecordClass::CHAT, "see you at eight", 1)?;
    let other = S::seal_record(&desktop.agent, RecordClass::CLIPBOARD, "invoice 4711", 2)?;
    S::open_record(&owner, &S::RECORD.exchange(label, &record, &other))?;
    Ok(Gain::Accepted("shows it under a false label"))
}

/// Its user reads its memory, and helps the service.
fn a_device_that_leaks_reads_records_of_others<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let record = S::seal_record(&desktop.agent, RecordClass::CHAT, "see you at eight", 1)?;
    let read = S::read_record(&S::spill(&laptop.agent), &record);
    read.map(Gain::Plaintext).ok_or(Failure::Harmless("each device has its own key"))
}

fn a_device_that_leaks_forges_records_of_others<S: System>() -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let record = S::seal_record(&desktop.agent, RecordClass::CHAT, "see you at eight", 1)?;
    S::open_record(&owner, &S::forge_record(&S::spill(&laptop.agent), &record, "see you at nine"))?;
    Ok(Gain::Accepted("shows what the other device never sealed"))
}

fn a_screenshot_is_shown_under_another_class<S: System>() -> Outcome {
    relabel_blob::<S>(Label::Class)
}

fn a_screenshot_is_shown_as_of_another_device<S: System>() -> Outcome {
    relabel_blob::<S>(Label::Device)
}

fn a_screenshot_is_shown_at_another_time<S: System>() -> Outcome {
    relabel_blob::<S>(Label::Time)
}

fn relabel_blob<S: System>(label: Label) -> Outcome {
    let (mut owner, laptop) = running::<S>(Keys::Laptop);
    let desktop = join::<S>(&mut owner, Keys::Desktop);
    let blob = S::seal_blob(&laptop.agent, BlobClass::SCREENSHOT, b"pixels", 1)?;
    let other = S::seal_blob(&desktop.agent, BlobClass::CAMERA, b"a face", 2)?;
    S::open_blob(&owner, &S::BLOB.exchange(label, &blob, &other))?;
    Ok(Gain::Accepted("shows it under a false label"))
}

/// A recording of some pieces, as the service gives it out after `change`, with another recording of the same device.
fn give_changed<S: System>(change: impl for<'a> Fn(Vec<&'a [u8]>, Vec<&'a [u8]>) -> Vec<u8>) -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let content: Vec<u8> = (0..200_000u32).map(|at| (at / 16) as u8).collect();
    let blob = S::seal_blob(&laptop.agent, BlobClass::VOICE, &content, 1)?;
    let other =
        S::seal_blob(&laptop.agent, BlobClass::VOICE, &content.iter().map(|byte| !byte).collect::<Vec<_>>(), 1)?;
    let ((head, pieces), (_, others)) = (S::PIECES.of(&blob), S::PIECES.of(&other));
    let changed = [head, &change(pieces, others)].concat();
    if S::open_blob(&owner, &changed)? == content {
        return Err(Failure::Harmless("nothing was changed"));
    }
    Ok(Gain::Accepted("plays what was never recorded"))
}

fn a_piece_is_taken_out_of_a_recording<S: System>() -> Outcome {
    give_changed::<S>(|mut pieces, _| {
        pieces.remove(3);
        pieces.concat()
    })
}

fn two_pieces_of_a_recording_are_exchanged<S: System>() -> Outcome {
    give_changed::<S>(|mut pieces, _| {
        pieces.swap(3, 5);
        pieces.concat()
    })
}

fn a_piece_of_another_recording_is_put_in<S: System>() -> Outcome {
    give_changed::<S>(|mut pieces, others| {
        pieces[3] = others[3];
        pieces.concat()
    })
}

/// After whichever piece it is not noticed, if there is one.
fn a_recording_is_cut_off<S: System>() -> Outcome {
    let (owner, laptop) = running::<S>(Keys::Laptop);
    let mut content = vec![200; 100_000];
    // As honest recordings may: the end of a block that looks like the end of everything.
    content[50_015] = 1;
    let blob = S::seal_blob(&laptop.agent, BlobClass::VOICE, &content, 1)?;
    let (head, pieces) = S::PIECES.of(&blob);
    let cuts = 1..pieces.len();
    only_refusal(cuts.map(|kept| {
        let shown = S::open_blob(&owner, &[head, &pieces[..kept].concat()].concat())?;
        Ok(if shown.is_empty() { Gain::Lost("all of it") } else { Gain::Accepted("ends where it did not") })
    }))
}

/// An archive of some files, each of several pieces, as it comes back after `change`.
fn open_changed<S: System>(change: impl Fn(&[u8]) -> Vec<u8>) -> Result<Opened, Failure> {
    let (owner, _) = S::create(ANNA);
    let files: Vec<_> = (1..=FILES as u8).map(|day| (format!("2027/{day}.json"), vec![day; 40_000])).collect();
    let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), &content[..])).collect();
    S::open_archive(&owner, &change(&S::archive(&owner, &files)))
}

const FILES: usize = 3;

fn a_file_of_an_archive_gets_another_path<S: System>() -> Outcome {
    let opened = open_changed::<S>(|archive| S::rename_in_archive(archive, "../.ssh/authorized_keys"))?;
    if opened.files.iter().any(|(path, _)| path.contains("..")) {
        return Ok(Gain::Accepted("writes where the service wants"));
    }
    Err(Failure::Harmless("it has other files"))
}

fn files_of_an_archive_are_left_out<S: System>() -> Outcome {
    let opened = open_changed::<S>(S::leave_out_first)?;
    if opened.files.len() < FILES && !opened.may_lack_files {
        return Ok(Gain::Lost("misses a file, and does not say so"));
    }
    Err(Failure::Harmless("says that files may be missing"))
}

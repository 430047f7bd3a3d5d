//! `categories` and `categorize`: what counts as productive, or as anything else that the owner gives a name.
//!
//! The service gets tokens only of what the owner typed, and of what agents had sent already.

use blindtally::{Owner, Token, TokenClass};
use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::cli::{Categories, Categorize};
use crate::report::{self, BUILT_IN};
use crate::session::{Context, Session};
use crate::table::{Align, Table};
use crate::wire::{Assignment, CategoryList};

/// Assigns a category to a value: to its token of this epoch, and to those of earlier epochs that were observed.
pub(crate) fn categorize(args: &Categorize, context: &mut Context) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let owner = &session.owner;
    let canonical = owner.policy().policy().canonical_form(args.class).apply(&args.value).into_owned();
    let category = if BUILT_IN.contains(&args.category.as_str()) {
        args.category.clone()
    } else {
        owner.tokenize_typed(TokenClass::LABEL, &args.category)?.to_string()
    };
    let mut tokens = vec![owner.tokenize_typed(args.class, &args.value)?];
    for (value, token) in report::observed(&session, args.class)? {
        // Agents may have sealed the value as it is before the policy asked for one form of it.
        if (value == canonical || value == args.value) && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    let class = args.class.name().unwrap_or_default();
    for token in &tokens {
        put(&session, class, token.to_string(), category.clone())?;
    }
    let output = session.output();
    let (value, shown) = (visible(&args.value), visible(&args.category));
    output.line(format_args!("{class} {value} is {shown} ({} token(s))", tokens.len()))?;
    output.object(&json!({
        "class": class, "value": args.value, "category": args.category,
        "tokens": tokens.iter().map(Token::to_string).collect::<Vec<_>>(),
    }))?;
    session.close();
    Ok(())
}

/// Lists what has which category, or carries categories over to this epoch's tokens.
pub(crate) fn run(args: &Categories, context: &mut Context) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let output = session.output();
    if args.carry {
        let carried = carry(&session)?;
        output.line(format_args!("{carried} categories carried over"))?;
        output.object(&json!({ "carried_categories": carried }))?;
        session.close();
        return Ok(());
    }
    let mut lines: Vec<[String; 3]> = Vec::new();
    for assignment in list(&session)? {
        let Assignment { class, value, category } = assignment;
        let category = match BUILT_IN.contains(&category.as_str()) {
            true => category,
            false => reveal(&session.owner, TokenClass::LABEL, &category).unwrap_or(category),
        };
        let value =
            TokenClass::from_name(&class).and_then(|class| reveal(&session.owner, class, &value)).unwrap_or(value);
        lines.push([class, value, category]);
    }
    // One value has an assignment in every epoch.
    lines.sort_unstable();
    lines.dedup();
    let mut table = Table::new(&[Align::Left, Align::Left, Align::Left]);
    table.head(&["Class", "Value", "Category"]);
    lines.iter().for_each(|line| table.row(&line.each_ref().map(|cell| visible(cell).into_owned())));
    output.line(table)?;
    let object =
        |[class, value, category]: &[String; 3]| json!({ "class": class, "value": value, "category": category });
    output.object(&json!({ "categories": lines.iter().map(object).collect::<Vec<_>>() }))?;
    session.close();
    Ok(())
}

/// Gives each value that has a category in an earlier epoch the same one in this epoch. An assignment made in this epoch
/// stays as it is. Returns how many were added.
pub(crate) fn carry(session: &Session<'_>) -> Result<usize, Failure> {
    let owner = &session.owner;
    let epoch = owner.policy().policy().epoch();
    let mut old: Vec<(Token, Assignment)> = Vec::new();
    let mut present = std::collections::HashSet::new();
    for assignment in list(session)? {
        // Neither a token that the service made up nor one that it moved to another class is carried anywhere.
        let Ok(token) = assignment.value.parse::<Token>() else { continue };
        if token.class().name() != Some(assignment.class.as_str()) {
            continue;
        }
        if token.epoch() == epoch {
            present.insert(token);
        } else {
            old.push((token, assignment));
        }
    }
    // The newest epoch's word is the last one.
    old.sort_by_key(|(token, _)| std::cmp::Reverse(token.epoch()));
    let mut carried = 0;
    for (token, assignment) in old {
        let Ok(new) = owner.retokenize(&token) else { continue };
        if present.contains(&new) {
            continue;
        }
        let label = assignment.category.parse::<Token>().ok().filter(|label| label.class() == TokenClass::LABEL);
        let category = match label.map(|label| owner.retokenize(&label)) {
            None if BUILT_IN.contains(&assignment.category.as_str()) => assignment.category,
            Some(Ok(label)) => label.to_string(),
            _ => continue,
        };
        put(session, &assignment.class, new.to_string(), category)?;
        present.insert(new);
        carried += 1;
    }
    Ok(carried)
}

fn list(session: &Session<'_>) -> Result<Vec<Assignment>, Failure> {
    let list: CategoryList = session.service.get("/api/v1/categories")?.json()?;
    Ok(list.categories)
}

fn put(session: &Session<'_>, class: &str, value: String, category: String) -> Result<(), Failure> {
    let assignment = Assignment { class: class.to_owned(), value, category };
    session.service.put("/api/v1/categories", &assignment).map(drop)
}

fn reveal(owner: &Owner, class: TokenClass, text: &str) -> Option<String> {
    let token = text.parse::<Token>().ok().filter(|token| token.class() == class)?;
    owner.reveal(&token).ok()
}

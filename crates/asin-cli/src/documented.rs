//! Every command that README, the guide and the help show can be typed: its arguments are those that there are.

use crate::Arguments;
use clap::{Command, CommandFactory};
use std::path::{Path, PathBuf};

/// README, the crates' own and the pages of the guide.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.clone(), root.join("docs/src"), root.join("docs/src/migrating")];
    folders.extend(std::fs::read_dir(root.join("crates")).unwrap().map(|crate_| crate_.unwrap().path()));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
    files.map(|file| file.unwrap().path()).filter(|file| file.extension().is_some_and(|end| end == "md")).collect()
}

/// The lines in blocks of `sh`.
fn shell(text: &str) -> Vec<&str> {
    let (mut found, mut inside) = (Vec::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(language), None) => inside = Some(language == "sh"),
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) => found.push(line.trim()),
            _ => {}
        }
    }
    found
}

/// The commands of a line, in words: what stands between pipes and before a redirection or a comment.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#' | '>' | '<', None) if word.is_none() => break,
            ('|', None) => {
                words.extend(word.take());
                all.push(std::mem::take(&mut words));
            }
            (' ', None) => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    all.push(words);
    all
}

/// What is typed after the name of the program, if it is ours.
fn ours(words: &[String]) -> Option<&[String]> {
    const NAMES: [&[&str]; 2] = [&["asin"], &["cargo", "run", "--release", "--"]];
    let name =
        NAMES.into_iter().find(|name| words.len() > name.len() && words.iter().zip(*name).all(|(a, b)| a == b))?;
    Some(&words[name.len()..])
}

fn refusal(arguments: &[String]) -> Option<String> {
    let typed = std::iter::once("asin").chain(arguments.iter().map(String::as_str));
    let error = Arguments::command().try_get_matches_from(typed).err()?;
    Some(error.to_string())
}

#[test]
fn commands_in_blocks_can_be_typed() {
    let (mut count, mut wrong) = (0, Vec::new());
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for line in shell(&text) {
            for words in commands(line) {
                let Some(arguments) = ours(&words) else { continue };
                count += 1;
                wrong.extend(refusal(arguments).map(|why| format!("{}: {line}\n{why}", page.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 20, "only {count} were found");
}

/// In text a command may stand without its arguments: its name must be one.
#[test]
fn commands_in_text_exist() {
    let mut wrong = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for code in text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let Some(words) = code.strip_prefix("asin ") else { continue };
            if let Some(word) = unknown(&Arguments::command(), words) {
                wrong.push(format!("{}: `{code}`: there is no `{word}`", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first of these words that should name a command and does not.
fn unknown(command: &Command, words: &str) -> Option<String> {
    let mut command = command.clone();
    command.build();
    for word in words.split(' ') {
        if !command.has_subcommands() || word == "…" || word.starts_with('-') {
            return None;
        }
        match command.find_subcommand(word) {
            Some(found) => command = found.clone(),
            None => return Some(word.to_owned()),
        }
    }
    None
}

/// The examples at the end of each command's help.
#[test]
fn examples_of_the_help_can_be_typed() {
    fn examples(command: &Command, found: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        found.extend(help.lines().map(str::trim).filter(|line| line.starts_with("asin ")).map(str::to_owned));
        command.get_subcommands().for_each(|command| examples(command, found));
    }
    let mut lines = Vec::new();
    examples(&Arguments::command(), &mut lines);
    assert!(lines.len() > 20, "only {} were found", lines.len());
    for line in lines {
        for words in commands(&line) {
            if let Some(why) = ours(&words).and_then(refusal) {
                panic!("{line}\n{why}");
            }
        }
    }
}

#[test]
fn lines_are_divided_as_a_shell_does() {
    let line = r#"asin call A --json '{"a": "b c"}' | asin sellers - > x.csv"#;
    let [first, second] = &commands(line)[..] else { panic!("{:?}", commands(line)) };
    assert_eq!(first, &["asin", "call", "A", "--json", r#"{"a": "b c"}"#]);
    assert_eq!(second, &["asin", "sellers", "-"]);
    assert_eq!(commands("asin doctor # words"), [["asin", "doctor"]]);
    assert_eq!(ours(&["jq".to_owned()]), None);
}

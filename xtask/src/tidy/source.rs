//! Just enough Rust to measure and search: what is code and what is comment or text, where functions and attributes
//! begin and end.
//!
//! A scanner of our own and not a parser crate, because it also reads files in the middle of an edit, costs nothing to
//! build, and is exact where it matters once comments and literals are blanked out: braces and brackets then balance.
//! What it does not see: functions that a macro assembles from pieces.

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// Line of its `fn`, from 1.
    pub(super) line: usize,
    /// Lines from its `fn` to its closing brace, both included.
    pub(super) lines: usize,
}

/// An attribute's text between its brackets.
pub(super) struct Attribute {
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
}

/// The source with comments and the contents of string and character literals replaced by blanks; lines stay in place.
pub(super) fn code_only(source: &str) -> String {
    let mut scanner = Scanner { from: source.chars().collect(), at: 0, code: String::with_capacity(source.len()) };
    while scanner.at < scanner.from.len() {
        scanner.next_piece();
    }
    scanner.code
}

struct Scanner {
    from: Vec<char>,
    at: usize,
    code: String,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.from.get(self.at + ahead).copied()
    }

    /// Takes one character as code.
    fn keep(&mut self) {
        self.code.extend(self.peek(0));
        self.at += 1;
    }

    /// Takes characters as something that is not code.
    fn blank(&mut self, count: usize) {
        for _ in 0..count {
            match self.peek(0) {
                Some('\n') => self.code.push('\n'),
                Some(_) => self.code.push(' '),
                None => return,
            }
            self.at += 1;
        }
    }

    fn next_piece(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (Some('/'), Some('/')) => {
                let rest = self.from[self.at..].iter().take_while(|&&letter| letter != '\n').count();
                self.blank(rest);
            }
            (Some('/'), Some('*')) => self.block_comment(),
            (Some('"'), _) => self.text(),
            (Some('\''), _) => self.character_or_lifetime(),
            (Some(letter), _) if is_word(letter) => self.word(),
            _ => self.keep(),
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.blank(2);
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.blank(2);
                    if depth == 0 {
                        return;
                    }
                }
                (Some(_), _) => self.blank(1),
                (None, _) => return,
            }
        }
    }

    /// A string with escapes, its quotes kept.
    fn text(&mut self) {
        self.keep();
        loop {
            match self.peek(0) {
                Some('\\') => self.blank(2),
                Some('"') => return self.keep(),
                Some(_) => self.blank(1),
                None => return,
            }
        }
    }

    fn character_or_lifetime(&mut self) {
        self.keep();
        match (self.peek(0), self.peek(1)) {
            (Some('\\'), _) => {
                self.blank(2);
                while self.peek(0).is_some_and(|letter| letter != '\'') {
                    self.blank(1);
                }
                self.keep();
            }
            (Some(_), Some('\'')) => {
                self.blank(1);
                self.keep();
            }
            _ => {}
        }
    }

    /// An identifier, keyword or number; or the prefix of a raw string, which has no escapes.
    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.keep();
        }
        let word: String = self.from[start..self.at].iter().collect();
        let hashes = self.from[self.at..].iter().take_while(|&&letter| letter == '#').count();
        if !matches!(word.as_str(), "r" | "br" | "cr") || self.peek(hashes) != Some('"') {
            return;
        }
        self.blank(hashes);
        self.keep();
        while let Some(letter) = self.peek(0) {
            if letter == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.keep();
                return self.blank(hashes);
            }
            self.blank(1);
        }
    }
}

/// Every function of blanked code, nested ones too.
pub(super) fn functions(code: &str) -> Vec<Function> {
    word_positions(code, "fn").filter_map(|start| function_at(code, start)).collect()
}

fn function_at(code: &str, start: usize) -> Option<Function> {
    let after = code[start + "fn".len()..].trim_start();
    let name: String = after.chars().take_while(|&letter| is_word(letter)).collect();
    if name.is_empty() {
        return None; // a function pointer type
    }
    let mut depth = 0_i32;
    for (offset, letter) in code[start..].char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None, // declared in a trait, no body
            '{' if depth == 0 => {
                let end = closing(code, start + offset, '{', '}')?;
                let lines = code[start..end].matches('\n').count() + 1;
                return Some(Function { name, line: line_of(code, start), lines });
            }
            _ => {}
        }
    }
    None
}

/// Every attribute of blanked code.
pub(super) fn attributes(code: &str) -> Vec<Attribute> {
    let opened = code.match_indices('#').filter_map(|(start, _)| {
        let after = code[start + 1..].trim_start_matches('!');
        after.starts_with('[').then_some((start, code.len() - after.len()))
    });
    opened
        .filter_map(|(start, bracket)| {
            let end = closing(code, bracket, '[', ']')?;
            Some(Attribute { text: code[bracket + 1..end].to_owned(), line: line_of(code, start) })
        })
        .collect()
}

/// Where a word stands alone, not as a part of a longer one.
pub(super) fn word_positions<'text>(text: &'text str, word: &'text str) -> impl Iterator<Item = usize> + 'text {
    text.match_indices(word).map(|(start, _)| start).filter(move |&start| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The line of a byte position, from 1.
pub(super) fn line_of(text: &str, position: usize) -> usize {
    text[..position].matches('\n').count() + 1
}

/// Position of the bracket that closes the one at `start`.
fn closing(code: &str, start: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 0_u32;
    for (offset, letter) in code[start..].char_indices() {
        if letter == open {
            depth += 1;
        } else if letter == close {
            depth -= 1;
            if depth == 0 {
                return Some(start + offset);
            }
        }
    }
    None
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_literals_and_keeps_lines() {
        let cases = [
            ("a // { b\nc", "a       \nc"),
            ("a /* { /* } */ { */ b", "a                   b"),
            (r#"f("}\"{", 'x')"#, r#"f("    ", ' ')"#),
            (r"f('\'', '{', '\u{7d}')", "f('  ', ' ', '      ')"),
            ("r#\"a\"{\"# b", "r \"   \"  b"),
            ("br\"\\\" + x", "br\" \" + x"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("r#fn(x)", "r#fn(x)"),
            ("\"one\n{two\"", "\"   \n    \""),
        ];
        for (source, expected) in cases {
            assert_eq!(code_only(source), expected, "{source}");
        }
    }

    #[test]
    fn measures_functions_with_bodies_and_nested_ones() {
        let source = "trait T {\n    fn declared(&self) -> [u8; 4];\n}\n\
                      pub async fn outer<T: Fn(u8) -> u8>(f: fn(u8) -> u8)\nwhere\n    T: Send,\n{\n    \
                      let text = \"}\";\n    fn inner() {}\n}\n";
        let found = functions(&code_only(source));
        let expected = [("outer", 4, 7), ("inner", 9, 1)].map(|(name, line, lines)| Function {
            name: name.to_owned(),
            line,
            lines,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn finds_attributes_across_lines_and_not_in_text() {
        let source = "#![deny(x)]\n#[expect(\n    a,\n    reason = \"[\"\n)]\nlet s = \"#[no]\";\n";
        let found: Vec<usize> = attributes(&code_only(source)).iter().map(|attribute| attribute.line).collect();
        assert_eq!(found, [1, 2]);
    }
}

//! The words that rule the disk.

use crate::image::Kept;

/// What the disk is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The power goes: everything fails from now on.
    Off,
    /// The power comes back; what was not flushed is lost, or a part of it.
    On(Kept),
    /// Flushes wait from now on.
    Hold,
    /// The oldest flush that waits may end.
    Pass,
    /// Flushes wait no more.
    Release,
    /// The next flush fails, once.
    Fail,
    /// Flushes are answered and not done, until the power goes: a disk that lies.
    Lie,
}

impl Order {
    /// Reads a line: `off`, `on`, `on SEED`, `hold`, `pass`, `release`, `fail`, `lie`.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["off"] => Some(Self::Off),
            ["on"] => Some(Self::On(Kept::Nothing)),
            ["on", seed] => Some(Self::On(Kept::Some(seed.parse().ok()?))),
            ["hold"] => Some(Self::Hold),
            ["pass"] => Some(Self::Pass),
            ["release"] => Some(Self::Release),
            ["fail"] => Some(Self::Fail),
            ["lie"] => Some(Self::Lie),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_one_line_and_nothing_else_is_obeyed() {
        assert_eq!(Order::parse("off\n"), Some(Order::Off));
        assert_eq!(Order::parse("on"), Some(Order::On(Kept::Nothing)));
        assert_eq!(Order::parse("on 17\n"), Some(Order::On(Kept::Some(17))));
        for wrong in ["", "on x", "off now", "OFF"] {
            assert_eq!(Order::parse(wrong), None, "{wrong}");
        }
    }
}

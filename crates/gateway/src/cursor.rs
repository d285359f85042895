//! Places in lists, as callers get them: opaque texts that only their own list reads back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holdline_domain::order::OrderNo;

/// A place in a list. Callers see opaque text; the first letter is the version and kind of the list.
pub(crate) trait Cursor: Sized {
    /// Tells lists apart, and versions of one list.
    const KIND: char;

    /// The text inside.
    fn text(&self) -> String;

    /// The place that a text names.
    fn parse(text: &str) -> Option<Self>;
}

impl Cursor for OrderNo {
    const KIND: char = 'o';

    fn text(&self) -> String {
        self.as_str().to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::try_new(text).ok()
    }
}

/// A place in the ledger's sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MovementSeq(pub(crate) i64);

impl Cursor for MovementSeq {
    const KIND: char = 'm';

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// A place in the feed of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EventPlace {
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
}

impl Cursor for EventPlace {
    const KIND: char = 'e';

    fn text(&self) -> String {
        format!("{}/{}", self.epoch, self.seq)
    }

    fn parse(text: &str) -> Option<Self> {
        let (epoch, seq) = text.split_once('/')?;
        Some(Self { epoch: epoch.parse().ok()?, seq: seq.parse().ok().filter(|seq| *seq >= 0)? })
    }
}

/// A place among the tries of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DeliveryNo(pub(crate) i64);

impl Cursor for DeliveryNo {
    const KIND: char = 'd';

    fn text(&self) -> String {
        self.0.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// A place among the parked events of a consumer: an order, and a place in the feed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParkedPlace(pub(crate) (OrderNo, i64));

impl Cursor for ParkedPlace {
    const KIND: char = 'p';

    fn text(&self) -> String {
        format!("{}/{}", self.0.0, self.0.1)
    }

    fn parse(text: &str) -> Option<Self> {
        let (order_no, seq) = text.split_once('/')?;
        Some(Self((OrderNo::try_new(order_no).ok()?, seq.parse().ok()?)))
    }
}

/// The opaque text of a place.
pub(crate) fn encode_cursor<C: Cursor>(cursor: &C) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{}", C::KIND, cursor.text()))
}

pub(crate) fn decode_cursor<C: Cursor>(text: &str) -> Option<C> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    C::parse(text.strip_prefix(C::KIND)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_only_by_its_own_list() {
        let no = OrderNo::try_new("260801120000007000100000042").unwrap();
        let text = encode_cursor(&no);
        assert_eq!(decode_cursor::<OrderNo>(&text), Some(no));
        assert_eq!(decode_cursor::<MovementSeq>(&text), None);
        assert_eq!(decode_cursor(&encode_cursor(&MovementSeq(77))), Some(MovementSeq(77)));
        for text in ["", "x", "é", "bzI2", "=="] {
            assert_eq!(decode_cursor::<OrderNo>(text), None, "{text}");
        }
    }
}

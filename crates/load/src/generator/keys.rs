//! The keys that the server acknowledged: complete within a bound in bytes, four bytes of overhead each.

/// Acknowledged keys in the order of their answers per thread. May hold a key twice when an answer was repeated.
#[derive(Clone, Debug, Default)]
pub struct AcknowledgedKeys {
    text: String,
    /// Where each key ends in `text`.
    ends: Vec<u32>,
}

impl AcknowledgedKeys {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no key was acknowledged.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            let key = &self.text[start..end];
            start = end;
            key
        })
    }

    /// Memory in use, in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    /// Keeps a key; false, with nothing kept, when the positions no longer fit (4 GiB of keys).
    pub(super) fn push(&mut self, key: &str) -> bool {
        let Ok(end) = u32::try_from(self.text.len() + key.len()) else { return false };
        self.text.push_str(key);
        self.ends.push(end);
        true
    }

    pub(super) fn append(&mut self, other: &Self) -> bool {
        other.iter().all(|key| self.push(key))
    }
}

#[cfg(test)]
mod tests {
    use super::AcknowledgedKeys;

    #[test]
    fn keys_come_back_in_order_and_complete() {
        let mut keys = AcknowledgedKeys::default();
        let mut others = AcknowledgedKeys::default();
        assert!(keys.push("a") && keys.push("bcd") && others.push("ef"));
        assert!(keys.append(&others));
        assert_eq!(keys.iter().collect::<Vec<_>>(), ["a", "bcd", "ef"]);
        assert_eq!((keys.len(), keys.bytes()), (3, 6 + 12));
    }
}

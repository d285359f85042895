//! The entries of a page that a background loop works off, some at once.

use std::future::Future;

use futures_util::future::join_all;

/// Entries worked off at once: whoever places meanwhile waits for a batch of so many more, not for a whole page.
const AT_ONCE: usize = 64;

/// Works off every entry; what came of each, in order.
pub(crate) async fn for_each_of_page<'a, T, F: Future>(entries: &'a [T], work: impl Fn(&'a T) -> F) -> Vec<F::Output> {
    let mut done = Vec::with_capacity(entries.len());
    for some in entries.chunks(AT_ONCE) {
        done.extend(join_all(some.iter().map(&work)).await);
    }
    done
}

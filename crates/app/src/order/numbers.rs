//! Drawing order numbers: keeps a lease on a block of the sequence space and draws from it.

use std::sync::Arc;
use std::time::Duration;

use holdline_domain::fault::Fault;
use holdline_domain::id::Slot;
use holdline_domain::order::OrderNo;
use holdline_domain::order::number::{NoNumber, NumberAllocator};
use holdline_domain::port::OrderStore;
use parking_lot::Mutex;

use crate::clock::Clock;

pub(crate) struct Numbers {
    store: Arc<dyn OrderStore>,
    clock: Arc<dyn Clock>,
    utc_offset_s: i32,
    /// The lease in use; `None` before the first number. Locked for single draws only.
    allocator: Mutex<Option<NumberAllocator>>,
    /// One renewal at a time; the others wait for it and draw again.
    renewal: tokio::sync::Mutex<()>,
}

impl Numbers {
    pub(crate) fn new(store: Arc<dyn OrderStore>, clock: Arc<dyn Clock>, utc_offset_s: i32) -> Self {
        Self { store, clock, utc_offset_s, allocator: Mutex::new(None), renewal: tokio::sync::Mutex::new(()) }
    }

    /// Draws a number, renewing the lease or waiting for the next millisecond if need be.
    pub(crate) async fn draw(&self, business_code: u16, slot: Slot) -> Result<OrderNo, Fault> {
        loop {
            match self.draw_now(business_code, slot) {
                Ok(order_no) => return Ok(order_no),
                Err(NoNumber::WaitForNextMillisecond) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(NoNumber::LeaseOver) => self.renew(business_code, slot).await?,
            }
        }
    }

    fn draw_now(&self, business_code: u16, slot: Slot) -> Result<OrderNo, NoNumber> {
        let mut allocator = self.allocator.lock();
        let allocator = allocator.as_mut().ok_or(NoNumber::LeaseOver)?;
        allocator.draw(self.clock.monotonic_ms(), business_code, slot)
    }

    async fn renew(&self, business_code: u16, slot: Slot) -> Result<(), Fault> {
        let _one_at_a_time = self.renewal.lock().await;
        // Whoever renewed before us may have done our work.
        let monotonic_ms = self.clock.monotonic_ms();
        let usable = |allocator: &NumberAllocator| allocator.instant(monotonic_ms) < allocator.lease().until;
        if self.allocator.lock().as_ref().is_some_and(usable) {
            return Ok(());
        }
        let asked_ms = self.clock.monotonic_ms();
        let lease = self.store.lease_block().await?;
        *self.allocator.lock() = Some(NumberAllocator::new(lease, asked_ms, self.utc_offset_s));
        tracing::debug!(block = lease.block, business_code, slot = slot.number(), "leased a block of order numbers");
        Ok(())
    }
}

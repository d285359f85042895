//! The few figures of `/metrics` that a report needs, in the text format of Prometheus.

use anyhow::Context as _;

use super::Client;

/// Batches of one committer since the server's start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Metrics {
    /// Durable transactions of the order and ledger committers.
    pub(crate) flushes: f64,
    /// Requests in them.
    pub(crate) requests: f64,
}

impl Metrics {
    /// Asks the server.
    pub(crate) fn read(client: &mut Client) -> anyhow::Result<Self> {
        let answer = client.get("/metrics")?;
        anyhow::ensure!(answer.status == 200, "/metrics answered {}", answer.status);
        let text = String::from_utf8(answer.body).context("/metrics is not text")?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        // Lookups write nothing: only the committers that flush count.
        let sum = |name: &str| {
            let lines = text.lines().filter(|line| line.starts_with(name) && !line.contains("queue=\"lookups\""));
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
        };
        Self { flushes: sum("holdline_batches_total{"), requests: sum("holdline_batch_size_sum{") }
    }

    /// What was added since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { flushes: self.flushes - earlier.flushes, requests: self.requests - earlier.requests }
    }

    /// Requests per transaction.
    pub(crate) fn batch_mean(self) -> f64 {
        if self.flushes > 0.0 { self.requests / self.flushes } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn lookups_do_not_count_as_flushes() {
        let text = "# TYPE holdline_batches_total counter\nholdline_batches_total{queue=\"ledger\"} 10\n\
                    holdline_batches_total{queue=\"orders\"} 5\nholdline_batches_total{queue=\"lookups\"} 7\n\
                    holdline_batch_size_sum{queue=\"ledger\"} 100\nholdline_batch_size_sum{queue=\"orders\"} 50\n";
        let metrics = Metrics::parse(text);
        assert_eq!((metrics.flushes, metrics.requests, metrics.batch_mean()), (15.0, 150.0, 10.0));
    }
}

//! When somebody was at a computer: the union of its not-afk periods.

use crate::event::Span;

/// Periods as they come, overlapping and in any order.
#[derive(Debug)]
pub(crate) struct Periods {
    spans: Vec<(i64, i64)>,
    compact_at: usize,
}

impl Default for Periods {
    fn default() -> Self {
        Self { spans: Vec::new(), compact_at: 1 << 16 }
    }
}

impl Periods {
    pub(crate) fn add(&mut self, span: Span) {
        let (start, end) = (span.start_us, span.end_us());
        match self.spans.last_mut() {
            // Neighbours touch, whether a file goes forward or back in time.
            Some(last) if start <= last.1 && last.0 <= end => *last = (last.0.min(start), last.1.max(end)),
            _ => self.spans.push((start, end)),
        }
        if self.spans.len() >= self.compact_at {
            self.unite();
            self.compact_at = (2 * self.spans.len()).max(1 << 16);
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.spans.extend(other.spans);
    }

    fn unite(&mut self) {
        self.spans.sort_unstable();
        self.spans.dedup_by(|next, last| {
            let touches = next.0 <= last.1;
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
    }
}

/// Whether and when somebody was there.
#[derive(Debug)]
pub(crate) enum Presence {
    /// Nothing watched: all time counts as active.
    Unwatched,
    /// What a watcher saw.
    Watched(Union),
}

/// Disjoint periods in order, for sums over any span in logarithmic time.
#[derive(Debug)]
pub(crate) struct Union {
    starts: Vec<i64>,
    /// How much presence there is before each period, and in the end altogether.
    before: Vec<i64>,
}

impl Presence {
    pub(crate) fn watched(mut periods: Periods) -> Self {
        periods.unite();
        let mut sum = 0;
        let mut before = Vec::with_capacity(periods.spans.len() + 1);
        before.push(0);
        before.extend(periods.spans.iter().map(|(start, end)| {
            sum += end - start;
            sum
        }));
        Self::Watched(Union { starts: periods.spans.into_iter().map(|(start, _)| start).collect(), before })
    }

    /// How much of `span` somebody was there, in microseconds.
    pub(crate) fn within(&self, span: Span) -> i64 {
        match self {
            Self::Unwatched => span.duration_us,
            Self::Watched(union) => union.until(span.end_us()) - union.until(span.start_us),
        }
    }
}

impl Union {
    fn until(&self, time: i64) -> i64 {
        let Some(last) = self.starts.partition_point(|start| *start <= time).checked_sub(1) else { return 0 };
        let length = self.before[last + 1] - self.before[last];
        self.before[last] + (time - self.starts[last]).min(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_us: i64, duration_us: i64) -> Span {
        Span { start_us, duration_us }
    }

    fn presence(spans: &[(i64, i64)]) -> Presence {
        let mut periods = Periods::default();
        spans.iter().for_each(|(start, duration)| periods.add(span(*start, *duration)));
        Presence::watched(periods)
    }

    #[test]
    fn overlapping_periods_count_once_in_whatever_order_they_come() {
        for spans in [[(5, 10), (8, 15), (40, 1)], [(40, 1), (8, 15), (5, 10)], [(8, 15), (40, 1), (5, 10)]] {
            let presence = presence(&spans);
            assert_eq!(presence.within(span(0, 10)), 5);
            assert_eq!(presence.within(span(20, 10)), 3);
            assert_eq!(presence.within(span(0, 100)), 19);
            assert_eq!(presence.within(span(23, 17)), 0);
            assert_eq!(presence.within(span(10, 0)), 0);
        }
    }

    #[test]
    fn a_watcher_that_saw_nobody_is_not_the_same_as_none() {
        assert_eq!(presence(&[]).within(span(0, 10)), 0);
        assert_eq!(Presence::Unwatched.within(span(0, 10)), 10);
    }

    #[test]
    fn many_periods_that_repeat_take_the_memory_of_one() {
        let mut periods = Periods::default();
        for round in 0..200_000 {
            periods.add(span((round % 2) * 100, 50));
        }
        assert!(periods.spans.len() < 70_000);
        assert_eq!(Presence::watched(periods).within(span(0, 1000)), 100);
    }
}

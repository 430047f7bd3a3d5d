//! Races ours against peers in turn, many times, so that a noisy machine slows all of them alike.

use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};

use crate::table::Figure;

/// Runs races and keeps their figures.
pub(crate) struct Races {
    criterion: Criterion,
    only: String,
    figures: Vec<Figure>,
}

/// Who ours is compared with, and by which factor ours should be faster.
pub(crate) struct Peer<'a> {
    pub(crate) name: &'static str,
    pub(crate) goal: Option<f64>,
    pub(crate) run: &'a mut dyn FnMut(),
}

impl Races {
    pub(crate) fn new(only: String) -> Self {
        let criterion = Criterion::default()
            .warm_up_time(Duration::from_millis(50))
            .measurement_time(Duration::from_millis(250))
            .sample_size(30)
            .nresamples(2000)
            .without_plots();
        Self { criterion, only, figures: Vec::new() }
    }

    /// `ours` and each peer do the same work on `values` values at each call.
    pub(crate) fn run(&mut self, name: &str, values: u32, ours: &mut dyn FnMut(), peers: &mut [Peer<'_>]) {
        if !peers.iter().any(|peer| self.wants(&figure_name(name, peer))) {
            return;
        }
        let mut ours_ns = Vec::new();
        let mut peers_ns = vec![Vec::new(); peers.len()];
        let mut group = self.criterion.benchmark_group(name);
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function("ours", |bencher| {
            bencher.iter_custom(|rounds| {
                let mut total = Duration::ZERO;
                for _ in 0..rounds {
                    let time = timed(ours);
                    total += time;
                    ours_ns.push(time.as_nanos() as f64);
                    for (peer, ns) in peers.iter_mut().zip(&mut peers_ns) {
                        ns.push(timed(peer.run).as_nanos() as f64);
                    }
                }
                total
            });
        });
        group.finish();
        for (peer, peer_ns) in peers.iter().zip(&peers_ns) {
            let ratios = ours_ns.iter().zip(peer_ns).map(|(ours, peer)| peer / ours).collect();
            self.figures.push(Figure {
                figure: figure_name(name, peer),
                ours: median(ours_ns.clone()) / f64::from(values),
                peer: median(peer_ns.clone()) / f64::from(values),
                ratio: median(ratios),
                goal: peer.goal,
            });
        }
    }

    /// Whether a figure of that name is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }

    /// Whether any of these figures is asked for.
    pub(crate) fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Keeps a figure that is no time but has a limit.
    pub(crate) fn add_measured(&mut self, name: &str, ours: f64, limit: f64) {
        let (figure, ratio, goal) = (name.to_owned(), limit / ours, Some(1.0));
        self.figures.push(Figure { figure, ours, peer: limit, ratio, goal });
    }

    /// Keeps a figure whose rounds were timed one after the other by its caller.
    pub(crate) fn add(&mut self, name: &str, values: usize, ours: &[Duration], peer: &[Duration], goal: f64) {
        let nanos = |times: &[Duration]| median(times.iter().map(|time| time.as_nanos() as f64).collect());
        let (ours, peer) = (nanos(ours), nanos(peer));
        let per_value = |nanos: f64| nanos / values as f64;
        let (figure, ratio, goal) = (name.to_owned(), peer / ours, Some(goal));
        self.figures.push(Figure { figure, ours: per_value(ours), peer: per_value(peer), ratio, goal });
    }

    pub(crate) fn into_figures(self) -> Vec<Figure> {
        self.figures
    }
}

fn figure_name(name: &str, peer: &Peer<'_>) -> String {
    format!("{name} / {}", peer.name)
}

fn timed(run: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

//! What a sandbox starts with.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::Sandbox;
use crate::market::{Market, MarketError};
use crate::ports::{Door, Ports};
use crate::server::{self, Port, Shared};
use crate::world::{REMEMBERED, World};

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The market cannot be.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// The port cannot be had.
    #[error("cannot listen on port {port}: {source}")]
    Port {
        /// The port asked for.
        port: u16,
        /// What went wrong.
        source: io::Error,
    },
    /// A speed that is not a positive number.
    #[error("the speed {0} is not a positive number")]
    Speed(f64),
}

/// What a sandbox starts with; [`Sandbox::builder`] makes one.
#[derive(Debug, Clone)]
#[must_use = "a builder alone serves nothing"]
pub struct Builder {
    market: Option<Market>,
    seed: u64,
    speed: f64,
    port: u16,
    split_ports: bool,
    limits: bool,
    remembered: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self { market: None, seed: 0, speed: 60.0, port: 0, split_ports: false, limits: true, remembered: REMEMBERED }
    }
}

impl Builder {
    /// The world to start from. Without it, one is generated from the seed.
    pub fn market(mut self, market: Market) -> Self {
        self.market = Some(market);
        self
    }

    /// The seed of everything random: the generated world, identifiers, queue times, faults with a chance.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many times faster than the wall the vendors' clocks run; 60 unless said.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// The loopback port; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Gives each vendor a port of its own: Amazon (SP-API and LWA), DataForSEO and MultiCart, from [`Builder::port`] on.
    ///
    /// Behind its own port a vendor answers every path in its own way, as its host does.
    pub fn split_ports(mut self, split: bool) -> Self {
        self.split_ports = split;
        self
    }

    /// Whether the vendors' limits of calls are kept; without them everybody may call as often as they like.
    pub fn limits(mut self, kept: bool) -> Self {
        self.limits = kept;
        self
    }

    /// How many requests, writes, webhooks and collected tasks are remembered at least, so that they never fill the memory;
    /// 50,000 unless said. What they did and charged counts for ever; a task that is forgotten is 40401.
    pub fn remember(mut self, requests: usize) -> Self {
        self.remembered = requests;
        self
    }

    /// Starts to serve, in tasks of the current tokio runtime.
    ///
    /// # Errors
    /// When the market contradicts itself, a port is taken or the speed is not a positive number.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        if !(self.speed.is_finite() && self.speed > 0.0) {
            return Err(StartError::Speed(self.speed));
        }
        let market = self.market.unwrap_or_else(|| Market::generate(self.seed)).checked()?;
        let doors: &[Door] = if self.split_ports { &Door::SPLIT } else { &[Door::Everybody] };
        let mut listening = Vec::new();
        for (number, door) in (0u16..).zip(doors) {
            let port = if self.port == 0 { 0 } else { self.port.saturating_add(number) };
            let (listener, address) = listen(port).await.map_err(|source| StartError::Port { port, source })?;
            listening.push((*door, listener, address));
        }
        let ports = Ports(listening.iter().map(|(_, _, address)| *address).collect());
        let mut world = World::new(market, self.seed, self.speed);
        world.remember(self.remembered.max(1));
        if !self.limits {
            world.lift_limits();
        }
        let shared = Shared::new(world, ports.clone());
        let (open, closing) = watch::channel(());
        let mut served = Vec::new();
        for (door, listener, _) in listening {
            let service = server::service(shared.clone(), door);
            let mut closing = closing.clone();
            // A dropped sender ends the wait too.
            let closed = async move { drop(closing.changed().await) };
            let serve = axum::serve(Port(listener), service).with_graceful_shutdown(closed);
            served.push(tokio::spawn(serve.into_future()));
        }
        Ok(Sandbox { ports, shared, open, served })
    }
}

async fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

//! What fails around the outposts.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use outpost_tests::Dice;
use outpost_tests::redis::{Data, RedisServer};
use outpost_tests::relay::Relay;

use super::WEIGHED;
use crate::crowd::Front;

/// What clients say that leave in the middle of it.
const HALF: &[u8] = b"GET /json HTTP/1.1\r\nHost: app.test\r\nX-Half: ";

/// Something that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The first replica loses its way to the store: its connections break, and no new one is taken.
    StoreCut,
    /// The first replica's way to the store takes everything and gives nothing.
    StoreStalls,
    /// The store hangs.
    StoreHangs,
    /// The store is killed, and started again with what it had.
    StoreDies,
    /// Core is away.
    CoreAway,
    /// A replica is killed.
    ReplicaDies,
    /// Every replica asks core for everything anew.
    Refresh,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::None,
        Self::StoreCut,
        Self::StoreStalls,
        Self::StoreHangs,
        Self::StoreDies,
        Self::CoreAway,
        Self::ReplicaDies,
        Self::Refresh,
    ];

    /// All of them, in some order.
    pub(crate) fn deck(dice: &mut Dice) -> Vec<Self> {
        let mut deck = Self::ALL.to_vec();
        for last in (1..deck.len()).rev() {
            deck.swap(last, dice.below(last + 1));
        }
        deck
    }

    /// Whether a replica that serves has its store all the while.
    pub(crate) const fn leaves_store_to(self, replica: usize) -> bool {
        match self {
            Self::StoreHangs | Self::StoreDies => false,
            Self::StoreCut | Self::StoreStalls => replica != 0,
            Self::None | Self::CoreAway | Self::ReplicaDies | Self::Refresh => true,
        }
    }
}

/// The outposts, and what is around them.
pub(crate) struct Surroundings {
    pub(crate) redis: RedisServer,
    /// Between the first replica and the store.
    pub(crate) relay: Relay,
    pub(crate) front: Front,
}

impl Surroundings {
    /// Lets it happen.
    pub(crate) async fn strike(&mut self, fault: Fault, dice: &mut Dice) {
        match fault {
            Fault::None => {}
            Fault::StoreCut => {
                self.relay.refuse();
                self.relay.cut();
            }
            Fault::StoreStalls => self.relay.stall(),
            Fault::StoreHangs => self.redis.pause(),
            Fault::StoreDies => self.redis.kill(),
            Fault::CoreAway => self.front.core.stop(),
            Fault::ReplicaDies => self.front.replicas.kill(WEIGHED),
            Fault::Refresh => {
                for replica in 0..=WEIGHED {
                    self.front.replicas.program(replica).signal("USR1");
                }
            }
        }
        // People come while it is so, and whatever they get, it ends.
        if dice.below(2) == 0 && fault != Fault::CoreAway && fault != Fault::ReplicaDies {
            let answer = self.front.sign_in("carol").await;
            assert!([200, 503].contains(&answer.status.as_u16()), "{fault:?}: {answer:?}");
        }
    }

    /// Mends it.
    pub(crate) async fn mend(&mut self, fault: Fault) {
        match fault {
            Fault::None | Fault::Refresh => {}
            Fault::StoreCut | Fault::StoreStalls => self.relay.heal(),
            Fault::StoreHangs => self.redis.resume(),
            Fault::StoreDies => self.redis.restart(Data::Kept),
            Fault::CoreAway => self.front.core.resume().unwrap(),
            Fault::ReplicaDies => self.front.replicas.restart(WEIGHED).await,
        }
    }

    /// Clients that open connections, say half of something, and go.
    pub(crate) async fn clients_that_leave(&self, dice: &mut Dice) {
        let address = self.front.replicas.addresses(dice.below(WEIGHED)).http;
        let count = 10 + dice.below(30);
        let is_rude = dice.below(2) == 0;
        let all = tokio::task::spawn_blocking(move || {
            let open: Vec<TcpStream> = (0..count)
                .map(|_| {
                    let mut one = TcpStream::connect(address).unwrap();
                    one.write_all(HALF).unwrap();
                    one
                })
                .collect();
            if !is_rude {
                for mut one in open {
                    one.shutdown(Shutdown::Write).unwrap();
                    let mut answer = Vec::new();
                    // Whether they are told anything is not the point.
                    let _ = one.read_to_end(&mut answer);
                    assert!(!answer.starts_with(b"HTTP/1.1 200"), "half a request was answered");
                }
            }
        });
        all.await.unwrap();
    }
}

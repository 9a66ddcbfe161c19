//! Sessions by the million: copies that Redis makes by itself of one that its store has written.

use outpost::clock;
use outpost::session::redis::RedisStore;
use outpost::session::{SessionId, SessionStore as _};

use crate::redis::RedisServer;

/// Copies made by one command, which keeps the server from all others for some 20 ms.
const AT_ONCE: usize = 2_000;

/// Key: the session. Arguments: the keys' prefix, the numbers of the first and the last copy. A copy
/// has a key, a subject and a user of its own, and stands in their indexes and the provider's.
const COPY: &str = "
local prefix = ARGV[1]
local indexes, ends = unpack(redis.call('HMGET', KEYS[1], 'indexes', 'ends'))
local provider = string.match(indexes, '^%S+')
local function byte(two) return string.char(tonumber(two, 16)) end
for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local hash = redis.sha1hex(KEYS[1] .. number)
  local hex = hash .. string.sub(redis.sha1hex(hash), 1, 24)
  local person, member = string.sub(hex, 1, 32), string.gsub(hex, '..', byte)
  local key = prefix .. 's:' .. hex
  redis.call('COPY', KEYS[1], key)
  redis.call('HSET', key, 'indexes', provider .. ' ' .. person .. ' - ' .. person .. ' -')
  for _, kind in ipairs({'u:', 'n:'}) do
    redis.call('ZADD', prefix .. kind .. person, ends, member)
    redis.call('EXPIREAT', prefix .. kind .. person, ends + 120)
  end
  redis.call('ZADD', prefix .. 'p:' .. provider, ends, member)
end
";

/// Makes so many copies of a session of this store, each of a person of its own. They count, are
/// listed and end as others do; no cookie opens them. The session has no core's session and no address.
///
/// # Panics
/// When what is there then is no store with so many more sessions.
pub async fn copies(redis: &RedisServer, store: &RedisStore, of: &SessionId, count: usize) {
    let now = clock::now();
    let before = store.count(None, now).await.expect("a count");
    let name = format!("{PREFIX}s:{}", of.key());
    for first in (0..count).step_by(AT_ONCE) {
        let last = count.min(first + AT_ONCE) - 1;
        let (first, last) = (first.to_string(), last.to_string());
        let _ = redis.cli(&["eval", COPY, "1", &name, PREFIX, &first, &last]);
    }
    assert_eq!(store.count(None, now).await, Ok(before + count));
    let page = store.list(None, None, 100, now).await.expect("a list");
    let copy = page.sessions.iter().find(|session| session.key != of.key());
    if let Some(copy) = copy {
        let standing = store.get(&copy.key, now).await.expect("an answer");
        assert!(standing.is_some(), "a copy is a session");
    }
}

/// What keys begin with; see `RedisOptions::single`.
const PREFIX: &str = "outpost:";

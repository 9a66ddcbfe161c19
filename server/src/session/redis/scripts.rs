//! What must be done in one step, in Lua. Every script touches one key only: while a cluster moves
//! a slot, whatever names two keys of it is turned away.

use ::redis::Cmd;
use aws_lc_rs::digest;

/// A script and its name at the server.
#[derive(Debug)]
pub(super) struct Script {
    text: String,
    sha: String,
}

impl Script {
    fn new(text: String) -> Self {
        let sha = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        Self { sha: hex::encode(sha), text }
    }

    /// Calls it by its name (`EVALSHA`).
    pub(super) fn by_name(&self, key: &str, arguments: &[&[u8]]) -> Cmd {
        call("EVALSHA", &self.sha, key, arguments)
    }

    /// Calls it by its text (`EVAL`), which makes its name known.
    pub(super) fn by_text(&self, key: &str, arguments: &[&[u8]]) -> Cmd {
        call("EVAL", &self.text, key, arguments)
    }
}

fn call(how: &str, script: &str, key: &str, arguments: &[&[u8]]) -> Cmd {
    let mut command = ::redis::cmd(how);
    command.arg(script).arg(1).arg(key);
    for argument in arguments {
        command.arg(*argument);
    }
    command
}

/// All scripts.
#[derive(Debug)]
pub(super) struct Scripts {
    /// Enters a member into an index. Key: the index. Arguments: member, score.
    pub(super) enter: Script,
    /// Part of an index, from what ends last on. Key: the index. Arguments: most entries; and, unless it is
    /// the first part, the score and the member that it comes after, whether that still stands there
    /// or not. Answers members and scores in turn.
    pub(super) page: Script,
    /// Drops what is over from an index. Key: the index. Answers how many were dropped.
    pub(super) trim: Script,
    /// Key: session. Arguments: clear, sealed, generation, seen, ends, idle, indexes. Answers 1,
    /// or 0 where there is a tombstone.
    pub(super) insert: Script,
    /// Key: session. Arguments: generation before, and those of `insert`. Answers 1 kept, 0
    /// gone, 2 outdated; and the indexes that it stood in before.
    pub(super) replace: Script,
    /// Key: session. Arguments: seen. Answers the generation, or nothing; and whether an older
    /// outpost wrote it, which knew less indexes.
    pub(super) touch: Script,
    /// Notes the indexes that a session stands in. Key: session. Arguments: its generation, the
    /// indexes. Answers as `replace`, without the indexes.
    pub(super) reindex: Script,
    /// Puts a tombstone in a session's place. Key: session. Arguments: milliseconds that it
    /// stands. Answers whether the session was there, and its indexes as far as they are known.
    pub(super) revoke: Script,
    /// Key: the log. Arguments: a nonce, ended sessions, most entries, seconds that entries stay.
    pub(super) announce: Script,
    /// Key: the log. Arguments: a nonce. Answers the place of the last entry; makes one where
    /// there is none.
    pub(super) end_of_log: Script,
    /// Key: a value. Arguments: whether one is expected, the one expected, whether there is a
    /// new one, the new one, milliseconds or nothing. Answers whether it was written.
    pub(super) swap: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            enter: Script::new(format!("{TRIM}{ENTER}")),
            page: Script::new(PAGE.to_owned()),
            trim: Script::new(format!("{TRIM}return trim(1000)")),
            insert: Script::new(format!("{DEADLINE}{INSERT}")),
            replace: Script::new(format!("{DEADLINE}{REPLACE}")),
            touch: Script::new(format!("{DEADLINE}{TOUCH}")),
            reindex: Script::new(REINDEX.to_owned()),
            revoke: Script::new(REVOKE.to_owned()),
            announce: Script::new(format!("{LAST}{ANNOUNCE}")),
            end_of_log: Script::new(format!("{LAST}{END_OF_LOG}")),
            swap: Script::new(SWAP.to_owned()),
        }
    }
}

// The server's clock decides what is over, as it does for the sessions themselves: one replica
// whose clock is fast must not make sessions of others impossible to find.
const TRIM: &str = "
local now = tonumber(redis.call('TIME')[1])
local function trim(most)
  local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 60, 'LIMIT', 0, most)
  if #over > 0 then redis.call('ZREM', KEYS[1], unpack(over)) end
  return #over
end
";

// An index outlives what stands in it by a little, and never by more.
const ENTER: &str = "
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
trim(100)
local ends = tonumber(ARGV[2]) + 120
if redis.call('TTL', KEYS[1]) < ends - now then
  redis.call('EXPIREAT', KEYS[1], string.format('%.0f', ends))
end
";

// Found by halving, so that a part costs the same wherever it begins, however many end in the same
// second. Members are compared byte by byte, as the server orders them: Lua's own order is that of the
// server's language.
const PAGE: &str = "
local function follows(one, other)
  for place = 1, math.min(#one, #other) do
    local difference = string.byte(one, place) - string.byte(other, place)
    if difference ~= 0 then return difference > 0 end
  end
  return #one > #other
end
local first = 0
if ARGV[2] then
  first = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[2], '+inf')
  local over = redis.call('ZCOUNT', KEYS[1], ARGV[2], '+inf')
  while first < over do
    local middle = math.floor((first + over) / 2)
    local member = redis.call('ZREVRANGE', KEYS[1], middle, middle)[1]
    if follows(ARGV[3], member) then over = middle else first = middle + 1 end
  end
end
return redis.call('ZREVRANGE', KEYS[1], first, first + ARGV[1] - 1, 'WITHSCORES')
";

const DEADLINE: &str = "
local function deadline(seen, ends, idle)
  if idle == '' then return tonumber(ends) end
  return math.min(tonumber(ends), tonumber(seen) + tonumber(idle))
end
local function expire(seen, ends, idle)
  local at = deadline(seen, ends, idle) * 1000
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', at))
end
";

const INSERT: &str = "
if redis.call('HEXISTS', KEYS[1], 'ended') == 1 then return 0 end
if redis.call('EXISTS', KEYS[1]) == 1 then return 1 end
redis.call('HSET', KEYS[1], 'clear', ARGV[1], 'sealed', ARGV[2], 'generation', ARGV[3],
  'seen', ARGV[4], 'ends', ARGV[5], 'idle', ARGV[6], 'indexes', ARGV[7])
expire(ARGV[4], ARGV[5], ARGV[6])
return 1
";

const REPLACE: &str = "
local standing = redis.call('HMGET', KEYS[1], 'generation', 'seen', 'indexes')
if not standing[1] then return {0, ''} end
if standing[1] ~= ARGV[1] then return {2, ''} end
local seen = ARGV[5]
if tonumber(standing[2]) > tonumber(seen) then seen = standing[2] end
redis.call('HSET', KEYS[1], 'clear', ARGV[2], 'sealed', ARGV[3], 'generation', ARGV[4],
  'seen', seen, 'ends', ARGV[6], 'idle', ARGV[7], 'indexes', ARGV[8])
expire(seen, ARGV[6], ARGV[7])
return {1, standing[3] or ''}
";

const TOUCH: &str = "
local standing = redis.call('HMGET', KEYS[1], 'generation', 'seen', 'ends', 'idle', 'indexes')
if not standing[1] then return false end
if deadline(standing[2], standing[3], standing[4]) <= tonumber(ARGV[1]) then return false end
if tonumber(standing[2]) < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'seen', ARGV[1])
  expire(ARGV[1], standing[3], standing[4])
end
local _, blanks = string.gsub(standing[5] or '', ' ', '')
return {standing[1], blanks < 4 and 1 or 0}
";

const REINDEX: &str = "
local standing = redis.call('HGET', KEYS[1], 'generation')
if not standing then return 0 end
if standing ~= ARGV[1] then return 2 end
redis.call('HSET', KEYS[1], 'indexes', ARGV[2])
return 1
";

// The deletion comes first: a server that is full lets a script write on that has begun to.
const REVOKE: &str = "
local standing = redis.call('HMGET', KEYS[1], 'clear', 'indexes', 'ended')
local indexes = standing[2] or standing[3] or ''
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', indexes)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {standing[1] and 1 or 0, indexes}
";

// Entries are n (nonce), p (place of the entry before), e (ended sessions), in this order. A place
// is an entry's id and its nonce.
const LAST: &str = "
local function last()
  local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return entry and entry[1] .. '/' .. entry[2][2]
end
";

// Trimming comes first, for the same reason.
const ANNOUNCE: &str = "
local before = last() or ''
local old = (tonumber(redis.call('TIME')[1]) - tonumber(ARGV[4])) * 1000
redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', math.max(old, 0)))
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'n', ARGV[1], 'p', before, 'e', ARGV[2])
";

const END_OF_LOG: &str = "
return last() or redis.call('XADD', KEYS[1], '*', 'n', ARGV[1], 'p', '', 'e', '') .. '/' .. ARGV[1]
";

const SWAP: &str = "
local standing = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if standing ~= ARGV[2] then return 0 end
elseif standing then
  return 0
end
if ARGV[3] ~= '1' then
  redis.call('DEL', KEYS[1])
elseif ARGV[5] == '' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return 1
";

--- What a session waits for, or that it has stalled, in the few words of a bar and in the sentence of the board.
---
--- Values in, words out: draws nothing and asks nobody.

local M = {}

---@class agor.Wait as `Wait` of src/domain/wait.rs
---@field cause 'retry'|'overloaded'|'rate_limit'|'usage_limit'|'login'|'command'
---@field said string one line, as the agent says it
---@field attempt integer|nil
---@field attempts integer|nil
---@field until integer|nil Unix milliseconds

--- A time of day; with its day where that is not today.
---@param at integer Unix milliseconds
---@param now integer
---@return string
function M.time(at, now)
  local seconds = math.floor(at / 1000)
  local today = os.date('%x', seconds) == os.date('%x', math.floor(now / 1000))
  return os.date(today and '%H:%M' or '%a %H:%M', seconds) --[[@as string]]
end

---@param wait agor.Wait
---@return string
local function trying(wait)
  if wait.attempt and wait.attempts then
    return ('retrying %d/%d'):format(wait.attempt, wait.attempts)
  end
  return wait.attempt and ('retry %d'):format(wait.attempt) or 'retrying'
end

--- The wait of a row, if it is not over.
---@param row agor.Row
---@param now integer
---@return agor.Wait|nil
local function current(row, now)
  local wait = row.wait
  -- Nobody says when a limit that was reached is gone.
  if wait and wait.cause == 'usage_limit' and wait['until'] and wait['until'] <= now then
    return nil
  end
  return wait
end

--- What a bar says, such as `overloaded, retrying 3/10`.
---@param row agor.Row
---@param now? integer Unix milliseconds
---@return string|nil words
---@return string group
function M.short(row, now)
  now = now or require('agor.clock').now()
  local wait = current(row, now)
  if not wait then
    return nil, ''
  end
  local cause = wait.cause
  if cause == 'command' then
    return 'waiting for a command', 'AgorDim'
  elseif cause == 'login' then
    return 'login needed', 'AgorWarning'
  elseif cause == 'usage_limit' then
    local over = wait['until']
    return over and 'rate limit until ' .. M.time(over, now) or 'rate limit', 'AgorWarning'
  elseif cause == 'overloaded' then
    return 'overloaded, ' .. trying(wait), 'AgorWarning'
  elseif cause == 'rate_limit' then
    return 'rate limit, ' .. trying(wait), 'AgorWarning'
  end
  return trying(wait), 'AgorWarning'
end

--- All of it, for the board.
---@param row agor.Row
---@param now integer Unix milliseconds
---@return string|nil sentence
---@return string group
function M.long(row, now)
  if row.stalled then
    local since = row.quiet_since and ' since ' .. M.time(row.quiet_since, now) or ''
    local last = require('agor.notify').last_words(row.session_id)
    return ('has said nothing%s%s'):format(since, last and ': ' .. last or ''), 'AgorWarning'
  end
  local wait = current(row, now)
  if not wait then
    return nil, ''
  elseif wait.cause == 'command' then
    return wait.said, 'AgorDim'
  elseif wait.cause == 'login' then
    return 'login needed: ' .. wait.said, 'AgorWarning'
  elseif wait.cause == 'usage_limit' and wait['until'] then
    return ('%s (until %s)'):format(wait.said, M.time(wait['until'], now)), 'AgorWarning'
  end
  return wait.said, 'AgorWarning'
end

--- For how long an agent has said nothing, in whole seconds; nil where that is not told.
---@param row agor.Row
---@return integer|nil
function M.quiet(row)
  return row.quiet_from
    and math.max(0, math.floor((require('agor.clock').count() - row.quiet_from) / 1000))
end

return M

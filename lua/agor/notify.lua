-- What waits for the user in all sessions: open questions, turns that have finished while nobody looked, agents that have
-- stalled. Counts them, tells of them once a session, and knows when one was seen.
--
-- Knows rows, focus and windows. What a question is, `ui/ask.lua` knows; how a terminal is told, `notify_terminal.lua`.

local api = vim.api

local mirror = require('agor.mirror')
local state = require('agor.state')

local M = {}

-- What outlives a reload of our modules.
state.ui = state.ui or {}
state.ui.attention = state.ui.attention or { unseen = {}, tick = 0, focused = true, told = {} }

---@class agor.Unseen
---@field order integer turns that ended before it have a smaller one
---@field failed boolean

---@type { unseen: table<string, agor.Unseen>, tick: integer, focused: boolean, told: table<string, string>, last: string?, stalled: table<string, string[]>? }
local kept = state.ui.attention
-- The last lines of their stderr.
kept.stalled = kept.stalled or {}

-- Ends of a turn that the user has brought about: they are no news.
local by_user = { interrupted = true, cancelled = true, stopped = true, empty = true }

---@param id string
---@return boolean its transcript is in a window of this tabpage, and Neovim has the focus
local function is_looked_at(id)
  if not kept.focused then
    return false
  end
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    local buf = api.nvim_win_get_buf(win)
    if vim.bo[buf].filetype == 'agor' and vim.b[buf].agor_session == id then
      return true
    end
  end
  return false
end

---@return agor.AskItem[]
local function questions()
  local ask = package.loaded['agor.ui.ask']
  return ask and ask.items() or {}
end

---How many finished turns nobody has seen; of one session: whether its last one is such.
---@param id? string
---@return integer|boolean
---@overload fun(): integer
---@overload fun(id: string): boolean
function M.unseen(id)
  if id then
    return kept.unseen[id] ~= nil
  end
  return vim.tbl_count(kept.unseen)
end

---@return { questions: integer, turns: integer, stalled: integer }
function M.counts()
  return {
    questions = #questions(),
    turns = M.unseen() --[[@as integer]],
    stalled = #vim.tbl_filter(function(row)
      return row.stalled == true
    end, mirror.list()),
  }
end

---What the agent of a session that has stalled has written to its stderr last.
---@param id string
---@return string|nil
function M.last_words(id)
  local lines = kept.stalled[id] or {}
  return lines[#lines]
end

---The session whose turn finished first of those that nobody has seen.
---@return string|nil
function M.oldest()
  local found
  for id, entry in pairs(kept.unseen) do
    if not found or entry.order < kept.unseen[found].order then
      found = id
    end
  end
  return found
end

---Something came or went: status lines and the user's autocommands are told, once for each state.
function M.changed()
  local counts = M.counts()
  local key = ('%d %d %d'):format(counts.questions, counts.turns, counts.stalled)
  if key == (kept.last or '0 0 0') then
    return
  end
  kept.last = key
  require('agor.events').attention(counts.questions, counts.turns, counts.stalled)
  vim.cmd.redrawstatus({ bang = true })
end

---@param id string
---@return string whose it is, without a title: that may be what the user has typed
local function who(id)
  local row = mirror.get(id)
  if not row then
    return id
  end
  local cells = require('agor.ui.cells')
  for _, other in ipairs(mirror.list()) do
    local lives = other.status == 'running' or other.status == 'idle'
    if lives and other.session_id ~= id then
      return ('%s (%s)'):format(row.provider, require('agor.ui.bar').directory(row.cwd))
    end
  end
  return cells.clean(row.provider)
end

---@param id string
---@return string|nil what waits there, in one sentence; never what was asked or answered
local function sentence(id)
  local of = vim.tbl_filter(function(item)
    return item.session_id == id
  end, questions())
  local first, entry = of[1], kept.unseen[id]
  if first then
    local what = 'has a question'
    if first.tool == 'plan' then
      what = 'has a plan to approve'
    elseif first.ours then
      what = 'asks before it starts'
    elseif first.kind == 'permission' then
      what = 'asks for ' .. require('agor.ui.cells').shorten(first.tool, 40)
    end
    local more = #of > 1 and (' and %d more'):format(#of - 1) or ''
    return ('%s %s%s'):format(who(id), what, more)
  elseif entry then
    return ('%s has %s'):format(who(id), entry.failed and 'failed' or 'finished')
  elseif kept.stalled[id] then
    return ('%s has said nothing for a while'):format(who(id))
  end
end

---One message a session, which changes in place; bell and desktop as configured.
---@param id string
---@param quietly? boolean the screen shows it already
local function tell(id, quietly)
  local text = sentence(id)
  if not text or kept.told[id] == text then
    return
  end
  kept.told[id] = text
  local notify = require('agor.config').get().notify
  if not quietly then
    local stalled = kept.stalled[id] and not kept.unseen[id]
    local does = stalled and ':Agor retry' or ':Agor permit'
    require('agor.message').status('agor-' .. id, ('%s (%s)'):format(text, does))
  end
  if state.leaving then
    return
  end
  local terminal = require('agor.notify_terminal')
  if notify.bell then
    terminal.bell()
  end
  if notify.desktop == true or (notify.desktop == 'auto' and not kept.focused) then
    terminal.desktop('agor', text)
  end
end

---A question has come.
---@param item agor.AskItem
---@param shown boolean its float is on the screen
function M.on_asked(item, shown)
  tell(item.session_id, shown)
  M.changed()
end

---A question has gone.
---@param id string its session
function M.on_settled(id)
  -- The next one of the session is news again.
  kept.told[id] = nil
  M.changed()
end

---A turn has ended.
---@param data { session_id: string, stop_reason: string }
function M.on_turn(data)
  local id = data.session_id
  local row = mirror.get(id)
  -- With the next prompt under way already, it was not the end of the work.
  if not row or row.busy or by_user[data.stop_reason] or is_looked_at(id) then
    return
  end
  kept.tick = kept.tick + 1
  local failed = row.status == 'error'
  kept.unseen[id] = { order = kept.tick, failed = failed }
  -- Why it has failed was said by then.
  tell(id, failed)
  M.changed()
end

---The agent of a session has stalled, or has not any more.
---@param id string
---@param since integer|nil Unix milliseconds; nil: it has not
---@param stderr string[] its last lines
function M.on_stalled(id, since, stderr)
  kept.stalled[id] = since and stderr or nil
  if since then
    tell(id, is_looked_at(id))
  else
    kept.told[id] = nil
  end
  M.changed()
end

---The user has turned to the session.
---@param id string
function M.seen(id)
  if kept.unseen[id] then
    kept.unseen[id], kept.told[id] = nil, nil
    M.changed()
  end
end

---The session is gone.
---@param id string
function M.forget(id)
  kept.told[id], kept.stalled[id] = nil, nil
  M.seen(id)
  M.changed()
end

---Shows the session whose finished turn has waited longest, in the pane. The cursor stays where it is.
---@return boolean|nil ok false: there is none
---@return string|nil message
function M.show_oldest()
  local id = M.oldest()
  if not id then
    return false
  end
  local pane = require('agor.ui.pane')
  local ok, failed = (pane.is_open() and pane.show or pane.open)(id)
  if ok == false then
    return nil, failed
  end
  mirror.touch(id)
  M.seen(id)
  local left = M.unseen()
  if left > 0 then
    local turns = left == 1 and 'turn' or 'turns'
    require('agor.message').info(('%d more finished %s (:Agor permit)'):format(left, turns))
  end
  return true
end

-- Whatever is before the user now is seen.
local function look()
  if next(kept.unseen) then
    for id in pairs(vim.deepcopy(kept.unseen)) do
      if is_looked_at(id) then
        M.seen(id)
      end
    end
  end
end

local group = api.nvim_create_augroup('agor_notify', { clear = true })
api.nvim_create_autocmd({ 'FocusLost', 'FocusGained' }, {
  group = group,
  callback = function(event)
    kept.focused = event.event == 'FocusGained'
    look()
  end,
})
api.nvim_create_autocmd({ 'BufWinEnter', 'WinEnter', 'TabEnter' }, {
  group = group,
  callback = function()
    if next(kept.unseen) then
      vim.schedule(look)
    end
  end,
})

return M

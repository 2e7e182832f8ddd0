--- The bar above a transcript, and the string for the user's own status line: what the mirror says of a session, as text.
---
--- A narrow window gets the most important parts. Options are set only when they change.

local api = vim.api

local M = {}

local cells_of = require('agor.ui.cells')
local width, shorten = cells_of.width, cells_of.shorten

---@param text string
---@return string that a statusline shows as it is
local function escape(text)
  return (cells_of.clean(text):gsub('%%', '%%%%'))
end

---@param n number
---@return string such as `940`, `12.3k`, `1.2M`
function M.count(n)
  if n < 1000 then
    return ('%d'):format(n)
  elseif n < 99950 then
    return (('%.1fk'):format(n / 1000):gsub('%.0k', 'k'))
  elseif n < 999500 then
    return ('%.0fk'):format(n / 1000)
  end
  return ('%.1fM'):format(n / 1e6)
end

---@param usd number
---@return string
function M.cost(usd)
  if usd > 0 and usd < 0.01 then
    return '<$0.01'
  end
  return ('$%.2f'):format(usd)
end

local STATUS_GROUP = {
  running = 'AgorStatusRunning',
  idle = 'AgorStatusIdle',
  done = 'AgorStatusDone',
  error = 'AgorStatusError',
}

--- Sessions that work, as the backend last said: how often it did, and for how many seconds the turn has run.
---@type table<string, { count: integer, seconds: integer }>
local working = {}

---@param seconds integer
---@return string
function M.elapsed(seconds)
  if seconds < 60 then
    return ('%ds'):format(seconds)
  end
  return ('%dm%02ds'):format(math.floor(seconds / 60), seconds % 60)
end

-- From here on agents begin to compact, or to forget.
local NEARLY_FULL = 80

--- How full the model's context is, where the agent tells.
---@param session agor.Row
---@return string? such as `ctx 34%`, or `ctx 12.3k` if its size is not known
---@return boolean nearly full
function M.fill(session)
  local used, size = session.context_used, session.context_size
  if not used or used <= 0 then
    return nil, false
  elseif not size or size <= 0 then
    return 'ctx ' .. M.count(used), false
  end
  local percent = math.floor(100 * used / size + 0.5)
  return ('ctx %d%%'):format(percent), percent >= NEARLY_FULL
end

--- Nothing happens before the user has answered, as long as no turn runs: what is asked before an agent starts.
---@param session agor.Row
---@return boolean
local function waits(session)
  return session.status == 'running' and not session.busy and (session.pending or 0) > 0
end

---@param session agor.Row
---@return string icon
---@return string word
---@return string group
function M.status(session)
  local icons = require('agor.ui.icons').get()
  if session.stalled then
    return icons.stalled, 'stalled', 'AgorWarning'
  elseif waits(session) then
    return icons.waits, 'waiting for you', 'AgorQuestion'
  end
  local word = session.status or 'idle'
  return icons[word] or icons.idle, word, STATUS_GROUP[word] or 'AgorDim'
end

---@param cwd string
---@return string the end of a path, as people write it
function M.directory(cwd)
  local short = vim.fn.fnamemodify(cells_of.clean(cwd), ':~')
  if width(short) <= 24 then
    return short
  end
  local parent, last = short:match('([^/]+)/([^/]+)/?$')
  local more = require('agor.ui.icons').get().more
  return parent and ('%s/%s/%s'):format(more, parent, last) or short
end

--- Where a session's directory is, if that is not here: `ssh host:`.
---@param row agor.Row
---@return string
local function place_of(row)
  local place = row.place or ''
  return place ~= '' and (shorten(cells_of.clean(place), 24) .. ':') or ''
end

--- The least of a directory that still tells it from others.
---@param cwd string
---@return string
local function last_of(cwd)
  local whole = M.directory(cwd)
  local last = shorten(vim.fs.basename((cwd:gsub('(.)/+$', '%1'))), 24)
  return last ~= '' and width(last) < width(whole) and last or whole
end

-- ------------------------------------------------------------------ winbar

---@class agor.Part
---@field name string
---@field text string
---@field group string
---@field short? string what is said of it where there is no room

--- How much has come below what a window shows: exact while it is a few, so that a flood redraws it seldom.
---@param lines integer
---@return string
local function below(lines)
  if lines >= 1000 then
    return M.count(lines)
  end
  return ('%d'):format(lines < 100 and lines or lines - lines % 10)
end

---@param s agor.Row
---@param new integer lines below that came since the window left the end
---@return table<string, agor.Part>
local function parts(s, new)
  local icons = require('agor.ui.icons').get()
  local out = {}
  local function put(name, text, group)
    if text and text ~= '' then
      out[name] = { name = name, text = cells_of.clean(text), group = group }
    end
  end
  local icon, word, group = M.status(s)
  local works = s.busy and working[s.session_id]
  local waiting = require('agor.ui.waits')
  if s.stalled then
    word = ('%s %s'):format(word, M.elapsed(waiting.quiet(s) or 0))
  elseif works then
    icon = icons.spin[works.count % #icons.spin + 1]
    word = ('%s %s'):format(word, M.elapsed(works.seconds))
  end
  put('provider', s.provider, 'AgorTitle')
  put('status', icon .. ' ' .. word, group)
  put('wait', waiting.short(s))
  -- The provider stands beside it.
  local model = s.model or ''
  if vim.startswith(model, s.provider .. '-') then
    model = model:sub(#s.provider + 2)
  end
  put('model', model ~= s.provider and model ~= 'default' and model or '', 'AgorDim')
  put('mode', s.mode ~= 'default' and s.mode or '', 'AgorDim')
  local effort = s.effort or ''
  put('effort', effort ~= '' and effort ~= 'default' and effort .. ' effort' or '', 'AgorDim')
  local fill, warns = M.fill(s)
  put('context', fill, warns and 'AgorWarning' or 'AgorDim')
  put('title', s.title, 'AgorDim')
  if s.asks_nothing then
    put('danger', 'asks nothing', 'AgorDanger')
  end
  if s.journal_failed then
    put('journal', 'journal not written', 'AgorDanger')
  end
  if s.audit_failed then
    put('audit', 'audit log not written', 'AgorDanger')
  end
  -- Of the only one its status speaks.
  if (s.pending or 0) > (waits(s) and 1 or 0) then
    put('pending', ('%d waiting'):format(s.pending), 'AgorQuestion')
  end
  local counts = require('agor.notify').counts()
  local others = counts.questions - (s.pending or 0)
  if others > 0 then
    put('others', ('+%d waiting'):format(others), 'AgorQuestion')
  elseif counts.stalled > (s.stalled and 1 or 0) then
    put('others', ('+%d stalled'):format(counts.stalled - (s.stalled and 1 or 0)), 'AgorWarning')
  elseif counts.turns > 0 then
    put('others', ('+%d done'):format(counts.turns), 'AgorNew')
  end
  if (s.queued or 0) > 0 then
    put('queued', ('%d queued'):format(s.queued), 'AgorDim')
  end
  if (s.cost_usd or 0) > 0 then
    put('cost', M.cost(s.cost_usd), 'AgorDim')
  end
  local tokens_in, tokens_out = s.input_tokens or 0, s.output_tokens or 0
  if tokens_in + tokens_out > 0 then
    local text = '%s%s %s%s'
    text = text:format(icons.input, M.count(tokens_in), icons.output, M.count(tokens_out))
    put('tokens', text, 'AgorDim')
  end
  put('dir', place_of(s) .. last_of(s.cwd or ''), 'AgorPath')
  if new > 0 then
    put('new', ('%s %s new'):format(icons.below, below(new)), 'AgorNew')
    out.new.short = icons.below .. below(new)
  end
  return out
end

-- What stays when there is not room for all.
local PRIORITY = {
  'status',
  'new',
  'provider',
  'pending',
  'danger',
  'wait',
  'others',
  'journal',
  'audit',
  'dir',
  'mode',
  'cost',
  'context',
  'model',
  'effort',
  'queued',
  'tokens',
}
local LEFT = {
  'provider',
  'status',
  'wait',
  'pending',
  'danger',
  'journal',
  'audit',
  'queued',
  'model',
  'effort',
  'mode',
  'title',
}
local RIGHT = { 'others', 'tokens', 'context', 'cost', 'dir', 'new' }

--- The winbar for a session in that many cells.
---@param session agor.Row
---@param cells integer
---@param new? integer lines below that the window has not seen
---@return string
function M.winbar(session, cells, new)
  local all = parts(session, new or 0)
  local chosen = {}
  local room = cells - 2
  for _, name in ipairs(PRIORITY) do
    local part = all[name]
    if part then
      local needs = width(part.text) + 2
      local short = part.short
      if short and needs - 2 > room then
        part.text = short
        needs = width(short) + 2
      end
      if needs - 2 <= room then
        chosen[name] = part
        room = room - needs
      end
    end
  end
  if not chosen.status and all.status then
    all.status.text = shorten(all.status.text, math.max(cells - 2, 1), '')
    chosen, room = { status = all.status }, 0
  end
  if chosen.dir then
    local whole = place_of(session) .. M.directory(session.cwd or '')
    local longer = width(whole) - width(chosen.dir.text)
    if longer <= room then
      chosen.dir.text = whole
      room = room - longer
    end
  end
  if all.title and room >= 12 then
    all.title.text = shorten(all.title.text, room - 2)
    chosen.title = all.title
  end
  local function side(names)
    local out = {}
    for _, name in ipairs(names) do
      local part = chosen[name]
      if part then
        out[#out + 1] = ('%%#%s#%s'):format(part.group, escape(part.text))
      end
    end
    return table.concat(out, '%#AgorBar#  ')
  end
  return ('%%#AgorBar# %s%%#AgorBar#%%=%s%%#AgorBar# '):format(side(LEFT), side(RIGHT))
end

--- What was set last, by window: reading an option back costs as much as setting it.
---@type table<integer, string>
local drawn = {}

--- What is known of sessions that have been on the screen, for when their row is gone.
---@type table<string, string>
local known = {}

--- Brings one window's bar up to date.
---@param win integer
function M.draw(win)
  local buf = api.nvim_win_get_buf(win)
  local id = require('agor.ui.transcript').revision(buf) and vim.b[buf].agor_session
  if not id then
    return
  end
  local session = require('agor.mirror').get(id)
  local text
  if session then
    local new = require('agor.ui.follow').missed(win)
    text = M.winbar(session, api.nvim_win_get_width(win), new)
    local title = session.title ~= '' and session.title or id
    known[id] = ('%s  %s  %s'):format(session.provider, title, M.directory(session.cwd or ''))
  else
    local word = require('agor.others').is_elsewhere(id) and 'in another Neovim' or 'over'
    text = '%%#AgorBar# %%#AgorTitle#%s%%#AgorBar#  %%#AgorDim#%s  from its journal%%#AgorBar# '
    text = text:format(word, escape(known[id] or id))
  end
  if drawn[win] == text and vim.wo[win].winbar == text then
    return
  end
  drawn[win] = text
  -- A window of one line has no room for a bar (E36).
  pcall(api.nvim_set_option_value, 'winbar', text, { scope = 'local', win = win })
end

local function each_window(callback)
  for _, win in ipairs(api.nvim_list_wins()) do
    local buf = api.nvim_win_get_buf(win)
    if require('agor.ui.transcript').revision(buf) then
      callback(win, vim.b[buf].agor_session)
    end
  end
end

--- After windows changed their size.
function M.resized()
  for win in pairs(drawn) do
    if not api.nvim_win_is_valid(win) then
      drawn[win] = nil
    end
  end
  each_window(M.draw)
end

--- The backend's beat: shown sessions that work.
---@param beats any[][] session id, count, seconds
function M.spin(beats)
  working = {}
  for _, beat in ipairs(beats) do
    working[beat[1]] = { count = beat[2], seconds = beat[3] }
  end
  each_window(function(win, id)
    if working[id] then
      M.draw(win)
    end
  end)
end

--- After rows of the mirror changed.
---@param session_ids string[]
function M.refresh(session_ids)
  local changed = {}
  for _, id in ipairs(session_ids) do
    changed[id] = true
  end
  each_window(function(win, id)
    if changed[id] then
      M.draw(win)
    end
  end)
  require('agor.ui.prompt').refresh(changed)
  require('agor.ui.queue').refresh(changed)
  require('agor.ui.board').refresh()
end

-- What waits elsewhere is in every bar.
api.nvim_create_autocmd('User', {
  group = api.nvim_create_augroup('agor_bar', { clear = true }),
  pattern = 'AgorAttention',
  callback = function()
    each_window(M.draw)
  end,
})

--- A short string for the user's status line, such as `claude ● 2 waiting · 1 done`; empty without a session.
---@return string
function M.statusline()
  local mirror = require('agor.mirror')
  local session = mirror.current()
  if not session then
    return ''
  end
  local pending = 0
  for _, row in ipairs(mirror.list()) do
    pending = pending + (row.pending or 0)
  end
  local icon, word = M.status(session)
  if pending > 0 then
    word = ('%d waiting'):format(pending)
  end
  local unseen = require('agor.notify').unseen()
  if unseen > 0 then
    word = ('%s %s %d done'):format(word, require('agor.ui.icons').get().dot, unseen)
  end
  local out = ('%s %s %s'):format(session.provider, icon, word)
  local wait = require('agor.ui.waits').short(session)
  out = wait and out .. ' ' .. wait or out
  local effort = session.effort or ''
  if effort ~= '' and effort ~= 'default' then
    out = ('%s %s effort'):format(out, effort)
  end
  local used, size = session.context_used or 0, session.context_size or 0
  if used > 0 then
    out = ('%s ctx %s'):format(out, M.count(used)) .. (size > 0 and '/' .. M.count(size) or '')
  end
  out = session.asks_nothing and out .. ' asks nothing' or out
  -- A percent sign a status line might take for its own, in whatever way it was asked for.
  return (cells_of.clean(out):gsub('%%', ''))
end

return M

--- Transcript buffers: their life, and the backend's patches.
---
--- The hot path is `apply`: few API calls for each operation, nothing for each character. What the text means is the
--- backend's business; here are only lines, highlights and anchors. Knows no windows: `ui/follow.lua` keeps the end in
--- view, `ui/views.lua` tells the backend who looks.

local api = vim.api

local M = {}

-- What outlives a reload of our modules.
local kept = require('agor.state')
kept.ui = kept.ui or {}

--- Highlights, and for each kind of anchor a namespace of its own, so that "the next tool call" is one lookup.
M.ns = {
  text = api.nvim_create_namespace('agor_text'),
  turn = api.nvim_create_namespace('agor_turn'),
  tool = api.nvim_create_namespace('agor_tool'),
  question = api.nvim_create_namespace('agor_question'),
  change = api.nvim_create_namespace('agor_change'),
  split = api.nvim_create_namespace('agor_split'),
}

--- Revision of each buffer's text; nil: not a transcript that is loaded. 0 wants to be painted, -1 is half painted.
---@type table<integer, integer>
local revisions = kept.ui.revisions or {}
kept.ui.revisions = revisions

--- The tick of each buffer's text when we had changed it last: with another one somebody else has.
---@type table<integer, integer>
local ticks = kept.ui.ticks or {}
kept.ui.ticks = ticks

--- Request ids behind question anchors, by buffer and extmark.
---@type table<integer, table<integer, string>>
local questions = kept.ui.questions or {}
kept.ui.questions = questions

local PREFIX = 'agor://'

---@param name string
---@return string? session_id
---@return boolean is_prompt
local function parse(name)
  local rest = name:sub(1, #PREFIX) == PREFIX and name:sub(#PREFIX + 1) or ''
  local id, tail = rest:match('^([%w_-][%w._-]*)(.*)$')
  if not id or #id > 128 or (tail ~= '' and tail ~= '/prompt') then
    return nil, false
  end
  return id, tail == '/prompt'
end

-- ------------------------------------------------------------------ patches

-- One table for all marks of a kind: making it anew is most of what a mark would cost.
local mark = { end_col = 0, hl_group = '', strict = false, invalidate = true, undo_restore = false }
local hide_mark = {
  end_col = 0,
  conceal = '',
  hl_group = '',
  strict = false,
  invalidate = true,
  undo_restore = false,
}
local before_mark = {
  virt_text = { { '', '' } },
  virt_text_pos = 'inline',
  strict = false,
  invalidate = true,
  undo_restore = false,
}
local over_mark = vim.tbl_extend('force', before_mark, { virt_text_pos = 'overlay' })
-- At the left of every row of a line that is wrapped.
local fill_mark = vim.tbl_extend('force', over_mark, {
  virt_text_win_col = 0,
  virt_text_repeat_linebreak = true,
  hl_mode = 'combine',
})
local line_mark = { line_hl_group = '', strict = false, invalidate = true, undo_restore = false }
local anchor_mark = { strict = false, invalidate = true, undo_restore = false }

local set_extmark = api.nvim_buf_set_extmark

local function clear(buf, first, last)
  for _, ns in pairs(M.ns) do
    api.nvim_buf_clear_namespace(buf, ns, first, last)
  end
end

---@param buf integer
---@param op any[]
---@param opts vim.api.keyset.set_extmark
local function draw_virtual(buf, op, opts)
  local chunk = opts.virt_text[1]
  for at = 2, #op, 4 do
    chunk[1], chunk[2] = op[at + 2], op[at + 3]
    set_extmark(buf, M.ns.text, op[at], op[at + 1], opts)
  end
end

---@param err any
---@return boolean text is locked: nothing was changed
local function is_locked(err)
  return tostring(err):find('E565') ~= nil or tostring(err):find('E523') ~= nil
end

--- What each operation of doc/wire.md does. Those of marks carry many, one after the other.
---@type table<string, fun(buf: integer, op: any[], alone: boolean)>
local operations = {
  set = function(buf, op, alone)
    local first, last = op[2], op[3]
    if first ~= last then
      if alone then
        -- Fails before anything is lost if text is locked. Others' listeners may throw here, too.
        local ok, err = pcall(api.nvim_buf_set_lines, buf, 0, 0, false, {})
        if not ok and is_locked(err) then
          error(err, 0)
        end
      end
      clear(buf, first, last)
    end
    api.nvim_buf_set_lines(buf, first, last, false, op[4])
  end,
  add = function(buf, op)
    api.nvim_buf_set_text(buf, op[2], -1, op[2], -1, op[3])
  end,
  clear = function(buf, op)
    for at = 2, #op do
      api.nvim_buf_clear_namespace(buf, M.ns.text, op[at], op[at] + 1)
    end
  end,
  mark = function(buf, op)
    for at = 2, #op, 4 do
      mark.end_col, mark.hl_group = op[at + 2], op[at + 3]
      set_extmark(buf, M.ns.text, op[at], op[at + 1], mark)
    end
  end,
  hide = function(buf, op)
    for at = 2, #op, 5 do
      hide_mark.end_col, hide_mark.conceal = op[at + 2], op[at + 3]
      hide_mark.hl_group = op[at + 4] ~= '' and op[at + 4] or nil
      set_extmark(buf, M.ns.text, op[at], op[at + 1], hide_mark)
    end
  end,
  before = function(buf, op)
    draw_virtual(buf, op, before_mark)
  end,
  over = function(buf, op)
    draw_virtual(buf, op, over_mark)
  end,
  fill = function(buf, op)
    draw_virtual(buf, op, fill_mark)
  end,
  tint = function(buf, op)
    for at = 2, #op, 2 do
      require('agor.ui.tint').row(buf, M.ns.text, op[at], op[at + 1])
    end
  end,
  line = function(buf, op)
    for at = 2, #op, 2 do
      line_mark.line_hl_group = op[at + 1]
      set_extmark(buf, M.ns.text, op[at], 0, line_mark)
    end
  end,
  anchor = function(buf, op)
    for at = 2, #op, 3 do
      local ns = M.ns[op[at + 1]]
      local id = ns and set_extmark(buf, ns, op[at], 0, anchor_mark)
      if id and op[at + 1] == 'question' then
        questions[buf] = questions[buf] or {}
        questions[buf][id] = op[at + 2]
      end
    end
  end,
}

---@param buf integer
---@param ops any[]
---@return string? trouble what another plugin's listener (`nvim_buf_attach`) has thrown
local function run(buf, ops)
  local trouble
  for i = 1, #ops do
    local op = ops[i]
    local operation = operations[op[1]]
    if not operation then
      error(('unknown operation %s in a patch'):format(vim.inspect(op[1])))
    end
    if op[1] == 'set' or op[1] == 'add' then
      local tick = api.nvim_buf_get_changedtick(buf)
      local ok, err = pcall(operation, buf, op, i == 1)
      if not ok and api.nvim_buf_get_changedtick(buf) == tick then
        error(err, 0)
      elseif not ok then
        -- Listeners are called when the text is in its place.
        trouble = tostring(err)
      end
    else
      operation(buf, op, i == 1)
    end
  end
  return trouble
end

---@class agor.Patch
---@field buf integer
---@field base integer
---@field rev integer
---@field earlier? integer entries above what is painted
---@field ops any[]

--- Applies one patch whole.
---@param patch agor.Patch
---@return 'ok'|'gone'|'busy'|'stale'
function M.apply(patch)
  local buf = patch.buf
  local revision = revisions[buf]
  if not revision or not api.nvim_buf_is_loaded(buf) then
    return 'gone'
  end
  local tick = api.nvim_buf_get_changedtick(buf)
  if patch.base ~= 0 and ticks[buf] ~= tick then
    -- Its rows are not those that the patch means.
    revisions[buf] = -1
    return 'stale'
  end
  if patch.base ~= 0 and patch.base ~= revision then
    return 'stale'
  end
  local follow = require('agor.ui.follow')
  local plan = follow.before(buf)
  vim.bo[buf].modifiable = true
  if patch.base == 0 then
    questions[buf] = {}
  end
  local ok, err = pcall(run, buf, patch.ops)
  if not api.nvim_buf_is_valid(buf) then
    return 'gone'
  end
  vim.bo[buf].modifiable = false
  if ok then
    revisions[buf], ticks[buf] = patch.rev, api.nvim_buf_get_changedtick(buf)
    if err then
      local text = 'a listener on the text of a transcript has failed: ' .. err
      require('agor.message').once('listener', text)
    end
    follow.after(plan, patch.base == 0)
    require('agor.ui.reach').told(buf, patch.earlier, patch.base == 0)
    return 'ok'
  end
  err = tostring(err)
  if api.nvim_buf_get_changedtick(buf) ~= tick then
    revisions[buf] = -1
  end
  if is_locked(err) then
    return 'busy'
  end
  -- A patch that cannot be applied is our own mistake: say so once and repaint, but never in a circle.
  revisions[buf] = -1
  require('agor.message').error('A transcript could not be painted: ' .. err)
  return patch.base == 0 and 'gone' or 'stale'
end

-- ------------------------------------------------------------------ buffers

---@param buf integer
---@return integer? revision
function M.revision(buf)
  return revisions[buf]
end

--- The request behind a question's anchor.
---@param buf integer
---@param mark_id integer
---@return string?
function M.request_at(buf, mark_id)
  return (questions[buf] or {})[mark_id]
end

--- Somebody else may have written into it, for whom 'modifiable' was no obstacle: it is painted anew.
---@param buf integer
local function mend(buf)
  local painted = (revisions[buf] or 0) > 0
  if painted and ticks[buf] ~= api.nvim_buf_get_changedtick(buf) then
    revisions[buf] = -1
    require('agor.ui.views').emptied(buf)
  end
end

local function forget(buf)
  revisions[buf] = nil
  ticks[buf] = nil
  questions[buf] = nil
  require('agor.ui.reach').forget(buf)
  require('agor.ui.views').changed()
end

---@param buf integer
local function watch(buf)
  local group = api.nvim_create_augroup('agor_transcript_' .. buf, { clear = true })
  local views = require('agor.ui.views')
  local function on(events, callback)
    api.nvim_create_autocmd(events, { group = group, buffer = buf, callback = callback })
  end
  on('BufWinEnter', function()
    local win = api.nvim_get_current_win()
    if api.nvim_win_get_buf(win) == buf then
      require('agor.ui.options').apply(win, buf)
      require('agor.ui.bar').draw(win)
    end
    mend(buf)
    views.changed()
  end)
  on({ 'BufWinLeave', 'BufHidden' }, views.changed)
  require('agor.ui.follow').watch(buf, group)
  require('agor.ui.reach').watch(buf, group)
  on('BufEnter', function()
    require('agor.mirror').touch(vim.b[buf].agor_session)
    mend(buf)
  end)
  on({ 'TextChanged', 'TextChangedI' }, function()
    mend(buf)
  end)
  on('TextYankPost', function()
    require('agor.ui.look').mend_yank(buf, M.ns.split)
  end)
  on('BufUnload', function()
    forget(buf)
  end)
  on('BufWipeout', function()
    require('agor.ui.keys').forget(buf)
    require('agor.ui.options').forget(buf)
    pcall(api.nvim_del_augroup_by_id, group)
  end)
end

--- Makes a buffer a transcript: also one that Neovim made for `:edit agor://…`.
---@param buf integer
---@param id string
local function adopt(buf, id)
  local bo = vim.bo[buf]
  local views = require('agor.ui.views')
  bo.buftype = 'nofile'
  bo.bufhidden = 'hide'
  bo.buflisted = false
  bo.swapfile = false
  bo.undofile = false
  bo.undolevels = -1
  bo.modeline = false
  bo.modifiable = false
  bo.textwidth = 0
  vim.b[buf].agor_session = id
  require('agor.ui.pane').setup()
  -- Before the filetype: from here on the backend may paint, and autocommands may ask.
  revisions[buf] = 0
  questions[buf] = {}
  watch(buf)
  vim.bo[buf].formatlistpat = require('agor.ui.options').LISTS
  require('agor.ui.options').prepare(buf, 'agor', {})
  require('agor.ui.keys').attach(buf, require('agor.ui.jump').keys(buf, id))
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    require('agor.ui.dress').again(win, buf)
    require('agor.ui.bar').draw(win)
  end
  -- It may have been unloaded and be back before anybody was told.
  views.emptied(buf)
end

---@param name string
---@return integer?
local function find(name)
  -- bufnr() takes patterns; names are compared whole.
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_get_name(buf) == name then
      return buf
    end
  end
end

--- The session's transcript buffer, made if there is none.
---@param session_id string
---@return integer buf
function M.buffer(session_id)
  local name = PREFIX .. session_id
  local buf = find(name)
  if buf and revisions[buf] and api.nvim_buf_is_loaded(buf) then
    return buf
  end
  if not buf then
    buf = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(buf, name)
  else
    -- `:bdelete` unloaded it: loading must not run BufReadCmd on the way.
    local saved = vim.o.eventignore
    vim.o.eventignore = 'all'
    vim.fn.bufload(buf)
    vim.o.eventignore = saved
  end
  adopt(buf, session_id)
  return buf
end

---@param buf integer
---@param text string
local function say(buf, text)
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, { text })
  vim.bo[buf].modifiable = false
end

local function known(id)
  if require('agor.mirror').get(id) then
    return true
  end
  local journal = ('%s/agor/sessions/%s.ndjson'):format(vim.fn.stdpath('data'), id)
  return vim.uv.fs_stat(journal) ~= nil
end

--- `BufReadCmd agor://*`, also for `:edit` on a buffer that is there already: Neovim has emptied it.
---@param buf integer
function M.read(buf)
  local name = api.nvim_buf_get_name(buf)
  local id, is_prompt = parse(name)
  if not id then
    vim.bo[buf].buftype = 'nofile'
    local text = "'%s' names no session: write agor://<session_id>, see :Agor sessions"
    say(buf, text:format(name))
    return
  end
  if is_prompt then
    require('agor.ui.prompt').adopt(buf, id)
    return
  end
  vim.bo[buf].modifiable = true
  clear(buf, 0, -1)
  api.nvim_buf_set_lines(buf, 0, -1, false, {})
  adopt(buf, id)
  if not known(id) then
    revisions[buf] = nil
    say(buf, ("There is no session '%s': :Agor sessions lists those that there are"):format(id))
  else
    -- The backend reads journals; no agent is started by it.
    local channel, why = require('agor.backend').ensure()
    if not channel then
      say(buf, why or 'the backend is not running')
    end
  end
  require('agor.ui.views').emptied(buf)
end

--- `SessionLoadPost`: fills what `:mksession` restored, and finds the panes in it.
function M.restore()
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local name = api.nvim_buf_get_name(buf)
    if name:sub(1, #PREFIX) == PREFIX then
      if not api.nvim_buf_is_loaded(buf) then
        vim.fn.bufload(buf)
      elseif not revisions[buf] and not vim.b[buf].agor_session then
        M.read(buf)
      end
    end
  end
  require('agor.ui.pane').adopt_windows()
end

return M

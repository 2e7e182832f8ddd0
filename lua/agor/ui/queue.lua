--- The prompts of a session that wait, in a float: to be changed, put in another order, taken out or sent at once.
---
--- Knows what the backend lists; keeps no queue of its own but what was taken out here, for `u`.

local api = vim.api

local M = {}

local look = require('agor.ui.queue_look')

local ns = api.nvim_create_namespace('agor_queue')

---@class agor.Waiting as in Waiting of src/session/queue.rs
---@field id string
---@field head string
---@field lines integer
---@field labels string[]
---@field edited boolean

---@class agor.TakenOut
---@field at integer
---@field prompt table

---@class agor.QueueFloat
---@field buf integer
---@field win integer
---@field session_id string
---@field entries agor.Waiting[]
---@field taken agor.TakenOut[]
---@field dropping integer that are on their way out
---@field moving integer orders to move one that have no answer yet
---@field after fun()[] what was typed meanwhile
---@field asking boolean the list is on its way
---@field again boolean and has changed since it was asked for
---@field want integer? the row for the cursor

---@type agor.QueueFloat?
local float

local function close()
  local this = float
  float = nil
  if this and api.nvim_win_is_valid(this.win) then
    api.nvim_win_close(this.win, true)
  end
end

---@param this agor.QueueFloat
---@return agor.Row?
local function session_of(this)
  return require('agor.mirror').get(this.session_id)
end

---@param this agor.QueueFloat
---@return agor.Waiting?
---@return integer row from 1
local function here(this)
  local row = api.nvim_win_get_cursor(this.win)[1]
  return this.entries[row], row
end

-- ------------------------------------------------------------------ what it looks like

---@param this agor.QueueFloat
---@param rows integer
---@return vim.api.keyset.win_config
local function config(this, rows)
  local row = session_of(this)
  local space = vim.o.lines - vim.o.cmdheight - 1
  local out = require('agor.ui.geometry').middle(90, math.min(math.max(rows, 3), space - 4))
  local width = out.width --[[@as integer]]
  local why = row and require('agor.ui.held').why(row)
  local title = ('Queue of %s'):format(row and row.provider or this.session_id)
  if why then
    title = ('%s %s held: %s'):format(title, require('agor.ui.icons').get().dot, why)
  end
  out.title = (' %s '):format(require('agor.ui.cells').shorten(title, width - 2))
  out.footer = look.footer(row, #this.taken > 0, width)
  out.title_pos, out.footer_pos, out.zindex = 'center', 'center', 58
  return out
end

--- The cursor stays on its prompt, or goes where an order of the user's has put it.
---@param this agor.QueueFloat
---@param entries agor.Waiting[]
local function draw(this, entries)
  local at = here(this)
  this.entries = entries
  local wanted = config(this, #entries)
  local lines, marks = look.lines(entries, wanted.width --[[@as integer]])
  vim.bo[this.buf].modifiable = true
  api.nvim_buf_set_lines(this.buf, 0, -1, false, lines)
  vim.bo[this.buf].modifiable = false
  api.nvim_buf_clear_namespace(this.buf, ns, 0, -1)
  for _, mark in ipairs(marks) do
    local opts = { end_col = mark[3], hl_group = mark[4] }
    api.nvim_buf_set_extmark(this.buf, ns, mark[1], mark[2], opts)
  end
  api.nvim_win_set_config(this.win, wanted)
  local row = this.want
  this.want = nil
  for i, entry in ipairs(not row and at and entries or {}) do
    if at and entry.id == at.id then
      row = i
    end
  end
  if row then
    api.nvim_win_set_cursor(this.win, { math.max(1, math.min(row, #lines)), 0 })
  end
end

--- Asks the backend what waits now.
local function fetch()
  local this = float
  if not this then
    return
  elseif this.asking then
    this.again = true
    return
  end
  this.asking, this.again = true, false
  require('agor.tell')('queue', { session_id = this.session_id }, function(entries)
    this.asking = false
    if float == this and api.nvim_win_is_valid(this.win) then
      -- A list of before a move would put it back for a moment, under the next key.
      if this.moving == 0 then
        draw(this, entries)
      end
      if this.again then
        fetch()
      end
    end
  end, function()
    this.asking = false
  end)
end

--- After rows of the mirror changed.
---@param changed table<string, boolean>
function M.refresh(changed)
  if float and changed[float.session_id] then
    fetch()
  end
end

-- ------------------------------------------------------------------ what can be done

--- An order about the prompt under the cursor. One that has gone meanwhile is said, and the list told anew.
---@param method string
---@param params table
local function order(method, params)
  local this = float --[[@as agor.QueueFloat]]
  params.session_id = this.session_id
  require('agor.tell')(method, params, fetch, fetch)
end

--- At once on the screen: the next key may be the same again.
---@param by integer
local function move(by)
  local this = float --[[@as agor.QueueFloat]]
  local entry, row = here(this)
  local to = row + by
  if not entry or to < 1 or to > #this.entries then
    return
  end
  local entries = vim.list_slice(this.entries)
  entries[row], entries[to] = entries[to], entries[row]
  draw(this, entries)
  this.moving = this.moving + 1
  local function answered()
    this.moving = this.moving - 1
    fetch()
  end
  local params = { session_id = this.session_id, entry = entry.id, to = to - 1 }
  require('agor.tell')('queue_move', params, answered, answered)
end

---@param action 'edit'|'drop'|'look'
---@param done fun(this: agor.QueueFloat, entry: agor.Waiting, prompt: table, row: integer)
local function queued(action, done)
  local this = float --[[@as agor.QueueFloat]]
  local entry, row = here(this)
  if not entry then
    return
  end
  local params = { session_id = this.session_id, entry = entry.id, action = action }
  local drops = action == 'drop' and 1 or 0
  this.dropping = this.dropping + drops
  local function answered()
    this.dropping = this.dropping - drops
    while this.dropping == 0 and #this.after > 0 do
      table.remove(this.after, 1)()
    end
  end
  require('agor.tell')('queued', params, function(prompt)
    done(this, entry, prompt, row)
    answered()
  end, function()
    fetch()
    answered()
  end)
end

local function edit()
  queued('edit', function(this, entry, prompt)
    close()
    local ok, why = require('agor.ui.pane').open(this.session_id, { focus = 'prompt' })
    if ok == false then
      require('agor.message').error(why or 'the prompt could not be opened')
    end
    require('agor.ui.prompt_edit').begin(this.session_id, entry.id, prompt)
  end)
end

local function take_out()
  queued('drop', function(this, _, prompt, row)
    this.taken[#this.taken + 1] = { at = row - 1, prompt = prompt }
    this.want = row
    fetch()
  end)
end

--- Out of the queue, into the draft.
local function withdraw()
  queued('drop', function(this, _, prompt)
    require('agor.ui.prompt').restore(this.session_id, prompt)
    fetch()
  end)
end

---@param at integer? where, else where it was
local function put_back(at)
  local this = float --[[@as agor.QueueFloat]]
  if this and this.dropping > 0 then
    -- `ddp`, and the first half is not there yet.
    this.after[#this.after + 1] = function()
      if float == this then
        put_back(at)
      end
    end
    return
  end
  local last = table.remove(this.taken)
  if not last then
    return require('agor.message').info('Nothing was taken out of the queue here')
  end
  local to = math.max(0, math.min(at or last.at, #this.entries))
  this.want = to + 1
  local params = { session_id = this.session_id, at = to, prompt = last.prompt }
  require('agor.tell')('queue_put', params, fetch, function()
    this.taken[#this.taken + 1] = last
  end)
end

---@param interrupt boolean
local function send(interrupt)
  local this = float --[[@as agor.QueueFloat]]
  local entry = here(this)
  if entry then
    order('queue_send', { entry = entry.id, interrupt = interrupt })
  end
end

local function show()
  queued('look', function(_, _, prompt)
    local lines = vim.split(prompt.text or '', '\n', { plain = true })
    for _, context in ipairs(prompt.context or {}) do
      lines[#lines + 1] = ''
      lines[#lines + 1] = require('agor.ui.draft').label(context)
      vim.list_extend(lines, vim.split(context.text or '', '\n', { plain = true }))
    end
    for _, image in ipairs(prompt.images or {}) do
      lines[#lines + 1] = 'image ' .. image.path
    end
    require('agor.ui.detail').open('Prompt that waits', lines, {})
  end)
end

---@param buf integer
---@return agor.Key[]
local function keys(buf)
  local function key(lhs, name, desc, run)
    return { modes = 'n', lhs = lhs, name = 'queue-' .. name, desc = desc, run = run }
  end
  local list = {
    key('<CR>', 'edit', 'edit it in the prompt window; it keeps its place', edit),
    key(
      's',
      'send',
      'send it now: into the turn where the agent can, else it interrupts',
      function()
        send(false)
      end
    ),
    key('S', 'interrupt', 'interrupt the turn and send it', function()
      send(true)
    end),
    key('J', 'down', 'move it down', function()
      move(1)
    end),
    key('K', 'up', 'move it up', function()
      move(-1)
    end),
    key('dd', 'delete', 'take it out', take_out),
    key('u', 'undo', 'put back what was taken out, where it was', function()
      put_back()
    end),
    key('p', 'put', 'put it back below the cursor', function()
      local entry, row = here(float --[[@as agor.QueueFloat]])
      put_back(entry and row or 0)
    end),
    key('P', 'put-above', 'put it back above the cursor', function()
      put_back(select(2, here(float --[[@as agor.QueueFloat]])) - 1)
    end),
    key('o', 'withdraw', 'take it out into the draft', withdraw),
    key('<Tab>', 'show', 'show all of it', show),
    key('r', 'go', 'let what is held back go on', function()
      order('queue_go', {})
    end),
    key({ 'q', '<Esc>' }, 'close', 'close', close),
  }
  list[#list + 1] = {
    modes = 'n',
    lhs = 'g?',
    name = 'help',
    desc = 'these keys',
    run = function()
      require('agor.ui.help').open(buf)
    end,
  }
  return list
end

--- Opens the float, with the cursor in it.
---@param session_id string?
---@return boolean? ok
---@return string? message
function M.open(session_id)
  local mirror = require('agor.mirror')
  local row
  if session_id then
    row = mirror.get(session_id)
    if not row then
      return nil, ('no session %s'):format(session_id)
    end
  else
    row = mirror.need()
    if not row then
      return nil
    end
  end
  if vim.fn.getcmdwintype() ~= '' then
    return nil, 'Close the command-line window first'
  end
  if row.queued == 0 then
    require('agor.message').info(('Nothing waits for %s'):format(row.provider))
    return true
  end
  close()
  require('agor.ui.pane').setup()
  local buf = require('agor.ui.float').buffer()
  local this = {
    buf = buf,
    win = 0,
    session_id = row.session_id,
    entries = {},
    taken = {},
    dropping = 0,
    moving = 0,
    after = {},
    asking = false,
    again = false,
  }
  this.win = require('agor.ui.float').open(buf, {
    filetype = 'agor-queue',
    keys = keys(buf),
    config = config(this, row.queued),
    resized = function()
      draw(this, this.entries)
    end,
    left = close,
    closed = function()
      float = nil
    end,
    is_open = function()
      return float == this
    end,
  })
  float = this
  fetch()
  return true
end

return M

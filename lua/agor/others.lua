-- Sessions of other Neovims: looked for only while somebody shows them, read along, or taken over. What they are is the
-- backends' business, which ask each other.

local message = require('agor.message')
local state = require('agor.state')

local M = {}

---How often is asked while somebody watches.
M.interval_ms = 1000

---@class agor.Elsewhere
---@field pid integer of the other Neovim

---@class agor.OtherRow: agor.Row
---@field elsewhere agor.Elsewhere

---@type agor.OtherRow[]
local rows = {}
---@type table<fun(), true>
local watchers = {}
---@type uv.uv_timer_t?
local timer
local asking = false

---@type table<string, true> sessions of other Neovims whose transcript is shown here
local along = {}

---What the backend says of a transcript that is shown from its journal.
---@param id string
---@param elsewhere boolean
function M.note(id, elsewhere)
  if along[id] ~= (elsewhere or nil) then
    along[id] = elsewhere or nil
    require('agor.ui.bar').refresh({ id })
  end
end

---Another Neovim goes on with a session whose transcript is shown here.
---@param id string
---@return boolean
function M.is_elsewhere(id)
  return along[id] == true
end

---The rows as they were told last, the earliest start first; fresh only while somebody watches.
---@return agor.OtherRow[]
function M.list()
  return rows
end

---@param value any
---@return any
local function clean(value)
  if type(value) == 'table' then
    for key, inner in pairs(value) do
      if inner == vim.NIL then
        value[key] = nil
      end
    end
  end
  return value
end

---@param told any
local function take(told)
  local new = vim.tbl_map(clean, type(told) == 'table' and told or {})
  if vim.deep_equal(new, rows) then
    return
  end
  rows = new
  for _, watcher in ipairs(vim.tbl_keys(watchers)) do
    local ok, err = pcall(watcher)
    if not ok then
      message.once('others', 'showing sessions of other Neovims failed: ' .. message.line(err))
    end
  end
end

local function poll()
  if asking or not next(watchers) then
    return
  end
  if not state.channel then
    return take({})
  end
  asking = true
  local sent = require('agor.rpc').notify('others', { all = true }, function(err, told)
    asking = false
    if next(watchers) and not err then
      take(told)
    end
  end)
  asking = sent == true
end

---From now on the rows are asked for, and `fn` is called when they have changed. Twice the same is once.
---@param fn fun()
function M.watch(fn)
  watchers[fn] = true
  if not timer then
    require('agor.backend').ensure()
    asking = false
    timer = assert(vim.uv.new_timer())
    timer:start(0, M.interval_ms, vim.schedule_wrap(poll))
  end
end

---@param fn fun()
function M.unwatch(fn)
  watchers[fn] = nil
  if timer and not next(watchers) then
    timer:stop()
    timer:close()
    timer = nil
    rows = {}
  end
end

---Shows a session as it goes on in another Neovim, read-only.
---@param id string
function M.read(id)
  vim.cmd.vsplit({ args = { 'agor://' .. id } })
end

---The other Neovim lets go of a session: its agent is ended there.
---@param id string
---@param take_up fun() called when that is done
function M.release(id, take_up)
  message.info(('the other Neovim is asked to let go of session %s'):format(id))
  require('agor.tell')('release', { session_id = id }, take_up)
end

---A session that is to be taken up runs in another Neovim: the user decides.
---@param id string
---@param take_up fun() called when it is free
function M.offer(id, take_up)
  local choices = {
    { 'Read along: it goes on there', M.read },
    {
      'Take it over: its agent is ended there, and the conversation goes on here',
      function()
        M.release(id, take_up)
      end,
    },
  }
  require('agor.pick').one(choices, {
    prompt = ('Session %s runs in another Neovim:'):format(id),
    kind = 'agor_elsewhere',
    format_item = function(choice)
      return choice[1]
    end,
  }, function(choice)
    if choice then
      choice[2](id)
    end
  end)
end

return M

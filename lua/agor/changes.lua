-- `:Agor changes` and `:Agor diff`: what a session has changed in files, in the quickfix list and beside what was there
-- before. Knows lists and sentences; what has changed the backend says, and how two texts stand beside each other is in
-- `ui/diff`.

local message = require('agor.message')
local mirror = require('agor.mirror')
local rpc = require('agor.rpc')

local M = {}

---@class agor.Changes as the method `changes` of doc/wire.md tells
---@field items table[] ready for setqflist()
---@field paths string[] of all that has changed
---@field files integer
---@field added integer lines, as are those removed
---@field removed integer
---@field notes string[] what is not in it

---@class agor.ChangesOpts
---@field turn? boolean the turn that runs or has ended last, not the whole session

---The session that is meant: in its own buffers that one, also where it is only read from its journal.
---@param session_id string|nil
---@return string|nil
local function session(session_id)
  local id = session_id or vim.b.agor_session
  if id then
    return id
  end
  local row = mirror.need()
  return row and row.session_id
end

---@param method 'changes'|'before'
---@param params table
---@param done fun(err: string|nil, result: any)
local function ask(method, params, done)
  local ok, failed = nil, nil ---@type true|nil, string|nil
  local channel, down = require('agor.backend').ensure()
  if channel then
    -- For a session that is read from its journal, and has no environment of its own.
    params.environ = { PATH = vim.env.PATH, HOME = vim.env.HOME }
    ok, failed = rpc.notify(method, params, done)
  end
  if not ok then
    done(failed or down or 'the backend is not running', nil)
  end
end

---@param id string
---@param opts agor.ChangesOpts
---@return string
local function title(id, opts)
  local row = mirror.get(id)
  local of = row and (row.title ~= '' and row.title or row.provider) or id
  local scope = opts.turn and 'last turn' or 'session'
  return require('agor.ui.cells').clean(('agor changes (%s): %s'):format(scope, of))
end

---@param count integer
---@param what string
---@return string
local function counted(count, what)
  return ('%d %s%s'):format(count, what, count == 1 and '' or 's')
end

---An entry of the quickfix list. Its window is Neovim's own, which draws a file's name as it is: where somebody would not see
---all of it, another text stands for the name and the entry leads to the file as before.
---@param item table
---@return table
local function shown(item)
  local cells = require('agor.ui.cells')
  local seen = cells.clean(item.filename)
  item.module = seen ~= item.filename and vim.fn.fnamemodify(seen, ':~:.') or nil
  item.text = cells.clean(item.text)
  return item
end

---@param id string
---@param opts agor.ChangesOpts
---@return string
local function nothing(id, opts)
  local row = mirror.get(id)
  if opts.turn then
    return 'the last turn has changed no files'
  end
  return row and row.busy and 'the session has changed no files so far'
    or 'the session has changed no files'
end

---Fills the quickfix list with an entry for each place that was changed, and opens it.
---@param session_id? string
---@param opts? agor.ChangesOpts
function M.list(session_id, opts)
  opts = opts or {}
  local id = session(session_id)
  if not id then
    return
  end
  ask('changes', { session_id = id, turn = opts.turn }, function(err, result)
    if err then
      return message.error(err)
    end
    local changes = result --[[@as agor.Changes]]
    for _, note in ipairs(changes.notes) do
      message.warn(note)
    end
    if #changes.items == 0 then
      return message.info(nothing(id, opts))
    end
    local name = title(id, opts)
    -- Asked again, the list takes its own place and no further one.
    local again = vim.fn.getqflist({ title = 0 }).title == name
    local items = vim.tbl_map(shown, changes.items)
    vim.fn.setqflist({}, again and 'r' or ' ', { title = name, items = items })
    -- Who types is in a prompt, and this is to be read.
    vim.cmd.stopinsert()
    vim.cmd('botright copen')
    local lines = ('+%d -%d'):format(changes.added, changes.removed)
    message.info(('%s changed, %s'):format(counted(changes.files, 'file'), lines))
  end)
end

---@param path string
---@return string
local function absolute(path)
  return vim.fn.fnamemodify(vim.fs.normalize(path), ':p')
end

---@param id string
---@param path string
---@param opts agor.ChangesOpts
---@param paths string[] to walk through
local function show(id, path, opts, paths)
  local params = { session_id = id, path = path, turn = opts.turn }
  ask('before', params, function(err, result)
    if err then
      return message.error(err)
    end
    require('agor.ui.diff').open({
      path = result.path,
      was = result.was,
      text_file = result.text_file,
      paths = paths,
      go = function(other)
        show(id, other, opts, paths)
      end,
    })
  end)
end

---A file beside what it was before the session: the one that is named, else that of the current buffer if the session has
---changed it, else the first of all.
---@param path? string
---@param session_id? string
---@param opts? agor.ChangesOpts
function M.diff(path, session_id, opts)
  opts = opts or {}
  local id = session(session_id)
  if not id then
    return
  end
  local here = vim.bo.buftype == '' and vim.api.nvim_buf_get_name(0) or ''
  here = here ~= '' and (vim.uv.fs_realpath(here) or here) or here
  ask('changes', { session_id = id, turn = opts.turn }, function(err, result)
    if err then
      return message.error(err)
    end
    local paths = result.paths --[[@as string[] ]]
    if path then
      return show(id, absolute(path), opts, paths)
    end
    if #paths == 0 then
      return message.info(nothing(id, opts))
    end
    show(id, vim.list_contains(paths, here) and here or paths[1], opts, paths)
  end)
end

---@param call agor.Call
function M.changes(call)
  if call.args ~= '' and call.args ~= 'turn' and call.args ~= 'session' then
    return message.error(('changes takes turn or session, not "%s"'):format(call.args))
  end
  M.list(nil, { turn = call.args == 'turn' })
end

---@param call agor.Call
function M.diff_command(call)
  local path = vim.trim(call.args):gsub('\\ ', ' ')
  -- A name that an agent has given a file may have backticks in it, which would run what stands between them.
  local literal = path:find('[`*?%[{|!;&<>(]') ~= nil or vim.uv.fs_lstat(path) ~= nil
  M.diff(path ~= '' and (literal and path or vim.fn.expandcmd(path)) or nil, nil, {
    turn = call.bang,
  })
end

return M

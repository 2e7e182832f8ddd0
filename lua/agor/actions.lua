-- Subcommands that show something beside the conversation: exports, processes, figures, logs.
-- Knows the backend's methods for them and windows to show the answers in.

local backend = require('agor.backend')
local message = require('agor.message')
local mirror = require('agor.mirror')
local scratch = require('agor.scratch')
local tell = require('agor.tell')

local M = {}

-- A longer text is written to a file and not read into a buffer, for which the editor would stand still.
local most_shown = 32 * 1024 * 1024

---Not by renaming it: the target may be a link, or on another disk, and keeps its permissions. A long one takes a while.
---@param source string
---@param target string
---@param done fun(failed: string|nil)
local function move(source, target, done)
  vim.uv.fs_copyfile(source, target, function(err)
    vim.uv.fs_unlink(source)
    vim.schedule(function()
      done(err and ('%s could not be written: %s'):format(target, err) or nil)
    end)
  end)
end

---@param call agor.Call
function M.export(call)
  local row = mirror.need()
  if not row then
    return
  end
  local target = vim.trim(call.args)
  if target ~= '' then
    target = vim.fn.fnamemodify(vim.fs.normalize(target), ':p')
    if vim.uv.fs_stat(target) and not call.bang then
      return message.error(('%s exists: :Agor! export overwrites it'):format(target))
    end
  end
  tell('export', { session_id = row.session_id }, function(result)
    if target ~= '' then
      return move(result.text_file, target, function(failed)
        if failed then
          return message.error(failed)
        end
        message.info('the transcript is in ' .. target)
      end)
    end
    local size = (vim.uv.fs_stat(result.text_file) or { size = 0 }).size
    if size > most_shown then
      vim.uv.fs_unlink(result.text_file)
      local text =
        'the transcript has %d MB, too much for a buffer: :Agor export FILE writes it to a file'
      return message.error(text:format(size / 1e6))
    end
    local lines = vim.fn.readfile(result.text_file)
    vim.uv.fs_unlink(result.text_file)
    scratch.open('export', lines, { filetype = 'markdown', full = true })
  end)
end

---@param seconds number
---@return string
local function age(seconds)
  seconds = math.floor(seconds)
  if seconds < 60 then
    return ('%ds'):format(seconds)
  elseif seconds < 3600 then
    return ('%dm%02ds'):format(math.floor(seconds / 60), seconds % 60)
  end
  return ('%dh%02dm'):format(math.floor(seconds / 3600), math.floor(seconds / 60) % 60)
end

function M.ps()
  tell('ps', {}, function(list)
    if type(list) ~= 'table' or #list == 0 then
      return message.info('no child process is running')
    end
    local rows = {}
    for _, one in ipairs(list) do
      local memory = ('%.1f MiB'):format((one.rss_bytes or 0) / 1048576)
      table.insert(rows, { one.session_id, one.pid, age(one.age_s or 0), memory, one.command })
    end
    scratch.open('ps', scratch.table({ 'SESSION', 'PID', 'AGE', 'MEMORY', 'COMMAND' }, rows))
  end)
end

function M.stats()
  local figures, failed = require('agor').stats()
  if failed then
    return message.error(failed)
  end
  local keys = vim.tbl_keys(figures)
  table.sort(keys)
  local rows = {}
  for _, key in ipairs(keys) do
    local value = figures[key]
    if type(value) == 'number' and value ~= math.floor(value) then
      value = ('%.2f'):format(value)
    elseif type(value) == 'table' then
      value = vim.inspect(value, { newline = ' ', indent = '' })
    end
    table.insert(rows, { key, value })
  end
  scratch.open('stats', scratch.table({ 'FIGURE', 'VALUE' }, rows))
end

---@param path string
local function view(path)
  if not vim.uv.fs_stat(path) then
    return message.info(('there is nothing yet at %s'):format(path))
  end
  if not require('agor.regular').is(path) then
    return message.error(('%s is not opened: it is no regular file'):format(path))
  end
  -- What agents have said stands there, and sets no options.
  require('agor.regular').without_modelines(function()
    require('agor.regular').edit('split', path, { split = 'botright' })
    vim.bo.modeline = false
  end)
  vim.bo.readonly = true
  vim.bo.autoread = true
  vim.cmd('normal! G')
end

function M.log()
  local path, failed = backend.log_path()
  if not path then
    return message.error(failed or 'there is no log')
  end
  local stat = vim.uv.fs_stat(path)
  if not stat or stat.type == 'directory' then
    return message.info(('there is no log yet; it will be in %s'):format(path))
  end
  view(path)
end

---@param call agor.Call
function M.trace(call)
  local row = mirror.need()
  if not row then
    return
  end
  if call.args ~= '' and call.args ~= 'on' and call.args ~= 'off' then
    return message.error(('trace takes on or off, not "%s"'):format(call.args))
  end
  if call.args == '' then
    return view(vim.fs.joinpath(backend.state_dir(), 'trace', row.session_id .. '.ndjson'))
  end
  local on = call.args == 'on'
  tell('trace', { session_id = row.session_id, on = on }, function(result)
    local path = type(result) == 'table' and result.path or ''
    message.info(
      on and ('the wire of %s goes to %s'):format(row.session_id, path) or 'the trace is off'
    )
  end)
end

---One line that is replaced by the next: not kept in :messages, and cut so that it never asks for <CR>.
---@return fun(text: string) say may be called in a fast context
---@return fun() over after it nothing is said: what is still on its way would hide how it has ended
local function progress()
  local said, ended = '', false
  local say = vim.schedule_wrap(function(text)
    if text ~= said and not ended then
      said = text
      local cut = vim.fn.strpart(text, 0, math.max(20, vim.o.columns - 20))
      vim.api.nvim_echo({ { 'agor: ' .. cut } }, false, {})
    end
  end)
  return say, function()
    ended = true
  end
end

---Short: it stands on one line of a narrow screen. Where the backend is, :checkhealth says.
---@param how string
local function there(how)
  local next_step = backend.is_running() and ':Agor restart takes it into use'
    or ':AgorStart starts a session'
  message.info(('the backend is %s; %s'):format(how, next_step))
end

function M.build()
  local say, over = progress()
  require('agor.build').run(say, function(err)
    over()
    if err then
      return message.error(err)
    end
    there('built')
  end)
end

function M.install()
  local binary = require('agor.binary')
  local install = require('agor.install')
  local say, over = progress()
  install.run(
    {
      root = require('agor.provider').plugin_root(),
      version = binary.version,
      protocol = binary.protocol,
      releases = require('agor.config').get().releases or install.releases,
      uname = vim.uv.os_uname(),
    },
    say,
    function(err, _, instead)
      over()
      if err then
        return message.error(err)
      end
      if instead then
        message.warn(instead)
      end
      there(instead and 'built' or 'installed')
    end
  )
end

return M

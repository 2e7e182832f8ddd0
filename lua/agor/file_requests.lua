-- Files that an agent reads and writes through the editor: where a loaded buffer holds the file, its text is the truth,
-- unsaved words included; elsewhere the backend does it on disk. Knows buffers; what an agent may touch was decided before
-- it comes here. Every request is answered exactly once, and nothing waits.

local files = require('agor.files')
local message = require('agor.message')
local rpc = require('agor.rpc')

local M = {}

---@class agor.FileRequest as the event `file` of doc/wire.md tells
---@field session_id string
---@field request_id string
---@field path string absolute and without symlinks
---@field text string|nil of a write

---What a session's agent knows of a buffer: the changedtick at its last read or write.
---@type table<string, table<integer, integer>>
local known = {}

---Buffers whose file was changed on disk while they had unsaved changes, until the user has settled that.
---@type table<integer, true>
local conflicts = {}

-- Text is locked while an <expr> mapping waits for a key: the change is tried again after this time, for as long as a user
-- may sit there.
local again_ms, patience = 50, 200

---@param path string
---@return integer|nil buf a changed one before an unchanged one
function M.buffer(path)
  local found
  for buf, name in pairs(files.buffers()) do
    local changed = vim.bo[buf].modified
    if name == path and (not found or changed and not vim.bo[found].modified) then
      found = buf
    end
  end
  return found
end

---@param buf integer
---@return boolean
local function is_utf8(buf)
  local encoding = vim.bo[buf].fileencoding
  return (encoding == '' or encoding == 'utf-8') and not vim.bo[buf].bomb
end

-- ------------------------------------------------------------------ reading

---@type table<string, string>
local line_ends = { unix = '\n', dos = '\r\n', mac = '\r' }

---The text as it would be on disk, but in UTF-8.
---@param buf integer
---@return string
function M.text(buf)
  local bo = vim.bo[buf]
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  if #lines == 1 and lines[1] == '' then
    -- Neovim tells no lines at all from one that is empty, and writes them so; only here can it be asked.
    if vim.api.nvim_buf_call(buf, vim.fn.wordcount).bytes == 0 then
      return ''
    end
  end
  local line_end = line_ends[bo.fileformat]
  local last = (bo.endofline or bo.fixendofline and not bo.binary) and line_end or ''
  return table.concat(lines, line_end) .. last
end

---@param request agor.FileRequest
---@return table answer
local function read(request)
  local buf = M.buffer(request.path)
  if not buf then
    return { disk = true }
  end
  if not vim.bo[buf].modified then
    if not is_utf8(buf) then
      -- The backend would take the bytes for UTF-8; but what is on disk may be newer than the buffer.
      files.check(buf)
    end
    known[request.session_id] = known[request.session_id] or {}
    known[request.session_id][buf] = vim.api.nvim_buf_get_changedtick(buf)
    return is_utf8(buf) and { disk = true } or { text = M.text(buf) }
  end
  known[request.session_id] = known[request.session_id] or {}
  known[request.session_id][buf] = vim.api.nvim_buf_get_changedtick(buf)
  return { text = M.text(buf) }
end

-- ------------------------------------------------------------------ writing

---@class agor.NewText
---@field lines string[]
---@field format string|nil 'fileformat', nil: as it is
---@field ends boolean with a line end

---@param text string
---@param format string the buffer's present 'fileformat'
---@return agor.NewText
function M.split(text, format)
  local feeds = select(2, text:gsub('\n', ''))
  local returns = select(2, text:gsub('\r\n', ''))
  if feeds > 0 then
    format = feeds == returns and 'dos' or 'unix'
  end
  local line_end = line_ends[format] or '\n'
  local ends = text:sub(-#line_end) == line_end
  if ends then
    text = text:sub(1, -#line_end - 1)
  end
  local lines = vim.split(text, line_end, { plain = true })
  return { lines = lines, format = format, ends = ends }
end

-- Above this the two texts are not compared line by line: only what both begin and end with is kept.
local most_compared = 20000

---@param old string[]
---@param new string[]
---@return integer[][] hunks: first old line and count, first new line and count, from 1
local function changes(old, new)
  if #old + #new <= most_compared then
    local function join(lines)
      return table.concat(lines, '\n') .. '\n'
    end
    -- Renamed in 0.12.
    local diff = vim.text and rawget(vim.text, 'diff') or vim.diff
    return diff(join(old), join(new), { result_type = 'indices' }) --[[@as integer[][] ]]
  end
  local same = 0
  while same < #old and same < #new and old[same + 1] == new[same + 1] do
    same = same + 1
  end
  local tail = 0
  while tail < #old - same and tail < #new - same and old[#old - tail] == new[#new - tail] do
    tail = tail + 1
  end
  local removed, added = #old - same - tail, #new - same - tail
  if removed == 0 and added == 0 then
    return {}
  end
  -- As in a diff, a hunk without lines names the line before it.
  return {
    { removed > 0 and same + 1 or same, removed, added > 0 and same + 1 or same, added },
  }
end

---Replaces the text as one undo step; only lines that differ are touched, so that marks, folds and cursors stay.
---@param buf integer
---@param new string[]
---@return boolean changed
local function replace(buf, new)
  local old = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local hunks = changes(old, new)
  -- Setting 'undolevels' closes the undo step that is open, in insert mode too.
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
  for i = #hunks, 1, -1 do
    local hunk = hunks[i]
    local old_count, new_first, new_count = hunk[2], hunk[3], hunk[4]
    local first = old_count == 0 and hunk[1] or hunk[1] - 1
    local last, new_last = first + old_count, new_first + new_count - 1 ---@type integer, integer
    local lines = new_count == 0 and {} or vim.list_slice(new, new_first, new_last)
    vim.api.nvim_buf_set_lines(buf, first --[[@as integer]], last, false, lines)
  end
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
  return #hunks > 0
end

---Writes the buffer without what autocommands would make of it: a formatter would change the text that the agent wrote.
---Those that come after a write run, they only look.
---@param buf integer
---@return string|nil message
local function to_disk(buf)
  local name = vim.api.nvim_buf_get_name(buf)
  vim.fn.mkdir(vim.fs.dirname(name), 'p')
  local ignored = vim.o.eventignore
  vim.opt.eventignore:append({
    'BufWritePre',
    'BufWriteCmd',
    'FileWritePre',
    'FileWriteCmd',
    'FileChangedShell',
  })
  -- With "!", since nobody is there to be asked; that it may be written was seen before.
  local ok, err = pcall(vim.api.nvim_buf_call, buf, function()
    vim.cmd('silent keepalt lockmarks write!')
  end)
  vim.o.eventignore = ignored
  if vim.api.nvim_buf_is_valid(buf) and vim.bo[buf].modified then
    return ok and 'it could not be written' or message.line(err):gsub('^.-(E%d+:)', '%1')
  end
end

---A forced write would put question marks where the buffer's encoding has no character.
---@param buf integer
---@param text string
---@return boolean
local function has_all_characters(buf, text)
  local encoding = vim.bo[buf].fileencoding
  if is_utf8(buf) or encoding == 'utf-8' then
    return true
  end
  local there = vim.iconv(text, 'utf-8', encoding)
  return there ~= nil and vim.iconv(there, encoding, 'utf-8') == text
end

---Why the buffer must not be changed under the user's hands.
---@param request agor.FileRequest
---@param buf integer
---@return string|nil message
local function objection(request, buf)
  local bo = vim.bo[buf]
  if bo.readonly or not bo.modifiable then
    return ('%s is read-only in the editor'):format(request.path)
  elseif not has_all_characters(buf, request.text or '') then
    return ("%s is written in %s, which has not all of the text's characters"):format(
      request.path,
      bo.fileencoding
    )
  elseif not bo.modified then
    conflicts[buf] = nil
    return nil
  end
  -- Text on disk that is neither the buffer's nor known to it.
  if files.conflict(buf) then
    conflicts[buf] = true
  end
  if conflicts[buf] then
    return ('%s has unsaved changes in the editor and was changed on disk besides: the user has to settle that first'):format(
      request.path
    )
  end
  local tick = (known[request.session_id] or {})[buf]
  if tick ~= vim.api.nvim_buf_get_changedtick(buf) then
    return ('%s has unsaved changes in the editor that came after you last read it: read it again, then write'):format(
      request.path
    )
  end
end

---@param buf integer
---@param text string
---@return string|nil message
local function change(buf, text)
  local bo = vim.bo[buf]
  local before = { bo.fileformat, bo.endofline, bo.fixendofline, bo.modified }
  local new = M.split(text, bo.fileformat)
  local replaced = replace(buf, new.lines)
  bo.fileformat, bo.endofline = new.format, new.ends
  if not new.ends then
    bo.fixendofline = false
  end
  -- Also an option that changed wants to be written.
  bo.modified = true
  local failed = to_disk(buf)
  if failed then
    if replaced then
      vim.api.nvim_buf_call(buf, function()
        vim.cmd('silent! undo')
      end)
    end
    bo.fileformat, bo.endofline, bo.fixendofline, bo.modified = unpack(before)
  end
  return failed
end

---@param request agor.FileRequest
---@param tries integer
---@param done fun(answer: table)
local function write(request, tries, done)
  local buf = M.buffer(request.path)
  if not buf then
    return done({ disk = true })
  end
  if not vim.bo[buf].modified then
    -- An unchanged buffer follows the disk first: what the agent writes replaces what is there now.
    files.check(buf)
  end
  local wrong = objection(request, buf)
  if wrong then
    return done({ error = wrong })
  end
  local ok, result = pcall(change, buf, request.text or '')
  if not ok then
    local locked = tostring(result):find('E565') or tostring(result):find('E523')
    if locked and tries > 0 then
      return vim.defer_fn(function()
        M.guarded(request, done, function(again)
          write(request, tries - 1, again)
        end)
      end, again_ms)
    end
    local why = locked and 'its text is locked in the editor' or message.line(result)
    return done({ error = ('%s could not be changed: %s'):format(request.path, why) })
  elseif result then
    return done({ error = ('%s could not be written: %s'):format(request.path, result) })
  end
  known[request.session_id] = known[request.session_id] or {}
  known[request.session_id][buf] = vim.api.nvim_buf_get_changedtick(buf)
  done({ written = true })
end

-- ------------------------------------------------------------------ the event

---Whatever goes wrong here, the agent gets an answer: it waits for one.
---@param request agor.FileRequest
---@param done fun(answer: table)
---@param run fun(done: fun(answer: table))
function M.guarded(request, done, run)
  local ok, err = pcall(run, done)
  if not ok then
    done({
      error = ('the editor could not do that with %s: %s'):format(request.path, message.line(err)),
    })
  end
end

---The event `file`.
---@param request agor.FileRequest
function M.handle(request)
  local answered = false
  local function done(answer)
    if answered then
      return
    end
    answered = true
    answer.session_id, answer.request_id = request.session_id, request.request_id
    -- Too late, after the turn's end, is an error that nobody need be told; hence the empty callback.
    rpc.notify('file', answer, function() end)
  end
  M.guarded(request, done, function(answer)
    if type(request.text) == 'string' then
      write(request, patience, answer)
    else
      answer(read(request))
    end
  end)
end

---A session is gone: what its agent knew is of no use.
---@param session string
function M.forget(session)
  known[session] = nil
end

return M

--- The keys that ask the backend what stands under the cursor: the file it leads to, its text, all of it. And all of what
--- a question is about.
---
--- What is shown is cut, folded and decorated; only the backend has the whole. Knows rows, files and registers.

local api = vim.api

local M = {}

---@param buf integer
---@param id string
---@return table params
local function here(buf, id)
  return { buf = buf, session_id = id, row = api.nvim_win_get_cursor(0)[1] - 1 }
end

---@param path string a file that the backend wrote and that is ours to remove
---@return string[]
local function lines_of(path)
  -- Binary: a carriage return before a line's end is the agent's own.
  local lines = vim.fn.readfile(path, 'b')
  vim.uv.fs_unlink(path)
  return lines
end

--- `gf` and `gd`: where the row leads, or else what its text names.
---@param buf integer
---@param id string session
function M.follow(buf, id)
  local jump = require('agor.ui.jump')
  -- A file that the cursor is on in a tool's own line comes before the call's.
  if jump.on_head() and jump.to_file(id, { only_here = true }) then
    return
  end
  require('agor.tell')('place', here(buf, id), function(found)
    if api.nvim_get_current_buf() ~= buf then
      return
    end
    if type(found) ~= 'table' or not jump.to_path(id, found.path, found.line) then
      jump.to_file(id)
    end
  end)
end

--- `gy`: the code block under the cursor, or the text of what is there, into the register that was named.
---@param buf integer
---@param id string session
function M.take(buf, id)
  local register = vim.v.register
  require('agor.tell')('take', here(buf, id), function(found)
    local message = require('agor.message')
    if type(found) ~= 'table' then
      return message.warn('There is nothing to yank here')
    end
    local lines = lines_of(found.text_file)
    -- More than one line, or one with its end: lines. Else a piece of one.
    local kind = #lines > 1 and 'V' or 'v'
    if #lines > 1 and lines[#lines] == '' then
      lines[#lines] = nil
    end
    local ok, err = pcall(vim.fn.setreg, register, lines, kind)
    if not ok then
      return message.error(('nothing was yanked: %s'):format(message.line(err)))
    end
    local into = register == '"' and '' or (' into "%s'):format(register)
    message.info(('%s yanked%s'):format(found.what, into))
  end)
end

--- A yank of rows that were one line before it was split softly gives that line: `TextYankPost`.
---@param buf integer
---@param ns integer of the marks on the rows that go on another
function M.mend_yank(buf, ns)
  ---@type any
  local event = vim.v.event
  if event.operator ~= 'y' or event.regtype:sub(1, 1) == '\22' then
    return
  end
  local first = api.nvim_buf_get_mark(buf, '[')[1]
  local last = api.nvim_buf_get_mark(buf, ']')[1]
  -- The first row stays as it is: what it goes on was not yanked.
  local marks = api.nvim_buf_get_extmarks(buf, ns, { first, 0 }, { last - 1, -1 }, {})
  if #marks == 0 then
    return
  end
  -- Into a register in upper case: what was there before stands above.
  local before = #event.regcontents - (last - first + 1)
  local goes_on = {}
  for _, mark in ipairs(marks) do
    goes_on[mark[2] - first + 2 + before] = true
  end
  local lines = {}
  for row, text in ipairs(event.regcontents) do
    if goes_on[row] then
      lines[#lines] = lines[#lines] .. text
    else
      lines[#lines + 1] = text
    end
  end
  if event.regname ~= '' then
    vim.fn.setreg(event.regname:lower(), lines, event.regtype)
    return
  end
  vim.fn.setreg('0', lines, event.regtype)
  -- With 'clipboard'.
  if vim.v.register ~= '"' then
    vim.fn.setreg(vim.v.register, lines, event.regtype)
  end
end

---@param found any what the backend says of it
---@param follow fun()|nil where `gf` leads in it
---@return boolean
local function open(found, follow)
  if type(found) ~= 'table' then
    return false
  end
  local lines = lines_of(found.text_file)
  require('agor.ui.detail').open(found.title, lines, found.marks, follow)
  return true
end

--- `K`: a float with all of what the row is a part of.
---@param buf integer
---@param id string session
function M.detail(buf, id)
  require('agor.tell')('detail', here(buf, id), function(found)
    local function follow()
      require('agor.ui.jump').to_file(id)
    end
    if not open(found, follow) then
      require('agor.message').warn('There is no more to see here')
    end
  end)
end

--- All of what a permission request is about, when it has come.
---@param id string session
---@param request_id string
---@param wanted fun(open: fun()) decides whether it is still to be shown
---@param follow fun()|nil where `gf` leads in it
function M.asked(id, request_id, wanted, follow)
  require('agor.tell')('asked', { session_id = id, request_id = request_id }, function(found)
    local opened = false
    wanted(function()
      opened = open(found, follow)
    end)
    if not opened and type(found) == 'table' then
      vim.uv.fs_unlink(found.text_file)
    end
  end)
end

return M

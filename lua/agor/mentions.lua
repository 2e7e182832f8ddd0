-- Words that stand for context: `#selection`, `#buffer` and their like. Which words these are, where they stand in a
-- text, and what each is when the prompt is sent. Knows buffers, diagnostics and lists; what git says is read by the
-- backend.

local M = {}

local api = vim.api

---@class agor.Mention
---@field word string
---@field about string
---@field gather fun(row: agor.Row): agor.Context[]|nil, string|nil a sentence, why there is nothing

-- A longer text is for the agent to read itself, piece by piece.
local most_bytes = 256 * 1024
-- Of diagnostics and lists.
local most_lines = 500

---@param size integer
---@return string
local function kib(size)
  return ('%d KiB'):format(math.ceil(size / 1024))
end

---@param context agor.Context
---@return agor.Context|nil
---@return string|nil
local function within(context)
  if #context.text > most_bytes then
    local name = context.path ~= '' and context.path or 'the buffer'
    local text =
      '%s has %s, more than %s: write @ and its name instead, and the agent reads it itself'
    return nil, text:format(name, kib(#context.text), kib(most_bytes))
  end
  return context
end

-- ------------------------------------------------------------------ buffers

---The buffer of the code window last used.
---@return integer|nil buf
---@return string|nil
local function code_buffer()
  local win = require('agor.ui.neighbour').last()
  if not win then
    return nil, 'there is no window with a file in this tabpage'
  end
  return api.nvim_win_get_buf(win)
end

---@param buf integer
---@return string
local function title(buf)
  local name = api.nvim_buf_get_name(buf)
  return name == '' and 'the buffer' or vim.fn.fnamemodify(name, ':t')
end

---@param buf integer
---@param row agor.Row
---@return agor.Context|nil
---@return string|nil
local function whole(buf, row)
  local context = require('agor.context')
  local taken = context.for_session(context.lines(buf, 1, api.nvim_buf_line_count(buf)), row.cwd)
  if vim.trim(taken.text) == '' then
    return nil, title(buf) .. ' is empty'
  end
  -- The whole file has no lines to name.
  taken.first_line, taken.last_line = 0, 0
  return within(taken)
end

local function buffer(row)
  local buf, none = code_buffer()
  if not buf then
    return nil, none
  end
  local context, wrong = whole(buf, row)
  return context and { context }, wrong
end

local function buffers(row)
  local out, size = {}, 0
  for _, info in ipairs(vim.fn.getbufinfo({ buflisted = 1, bufloaded = 1 })) do
    local inside = require('agor.context').relative(info.name, row.cwd):sub(1, 1) ~= '/'
    if info.name ~= '' and inside and vim.bo[info.bufnr].buftype == '' then
      local context = require('agor.context').for_session(
        require('agor.context').lines(info.bufnr, 1, info.linecount),
        row.cwd
      )
      if vim.trim(context.text) ~= '' then
        context.first_line, context.last_line = 0, 0
        size = size + #context.text
        table.insert(out, context)
      end
    end
  end
  if #out == 0 then
    return nil, ('no buffer has a file of %s'):format(row.cwd)
  elseif size > most_bytes then
    local text = 'the %d open buffers have %s, more than %s: name some of them with @'
    return nil, text:format(#out, kib(size), kib(most_bytes))
  end
  return out
end

local function selection(row)
  local buf, none = code_buffer()
  if not buf then
    return nil, none
  end
  local context = require('agor.context')
  local taken = context.last_selection(buf)
  if not taken then
    return nil, ('nothing was selected in %s yet'):format(title(buf))
  end
  local found, wrong = within(context.for_session(taken, row.cwd))
  return found and { found }, wrong
end

-- ------------------------------------------------------------------ lists

---@param lines string[]
---@return agor.Context[]
local function listed(lines)
  local rest = #lines - most_lines
  if rest > 0 then
    lines = vim.list_slice(lines, 1, most_lines)
    table.insert(lines, ('(%d more)'):format(rest))
  end
  local text = table.concat(lines, '\n')
  return {
    { path = '', first_line = 0, last_line = 0, filetype = '', text = text:sub(1, most_bytes) },
  }
end

---@param text string
---@return string
local function one_line(text)
  return (vim.trim(text):gsub('%s*\n%s*', ' '))
end

local severities = { 'error', 'warning', 'info', 'hint' }

local function diagnostics(row)
  local found = {}
  for _, one in ipairs(vim.diagnostic.get(nil)) do
    local buf = one.bufnr
    local name = buf and api.nvim_buf_is_valid(buf) and api.nvim_buf_get_name(buf) or ''
    local path = require('agor.context').relative(name, row.cwd)
    if path ~= '' and path:sub(1, 1) ~= '/' then
      local source = table.concat({ one.source, one.code and tostring(one.code) }, ' ')
      table.insert(found, {
        path = path,
        line = one.lnum,
        col = one.col,
        severity = one.severity,
        text = ('%s:%d:%d: %s: %s%s'):format(
          path,
          one.lnum + 1,
          one.col + 1,
          severities[
            one.severity --[[@as integer]]
          ] or 'error',
          one_line(one.message),
          source ~= '' and (' [%s]'):format(source) or ''
        ),
      })
    end
  end
  if #found == 0 then
    return nil, ('there are no diagnostics for files of %s'):format(row.cwd)
  end
  -- Should some be left out, then the least important.
  table.sort(found, function(a, b)
    for _, key in ipairs({ 'severity', 'path', 'line', 'col' }) do
      if a[key] ~= b[key] then
        return a[key] < b[key]
      end
    end
    return a.text < b.text
  end)
  return listed(vim.tbl_map(function(one)
    return one.text
  end, found))
end

local function quickfix(row)
  local lines = {}
  for _, item in ipairs(vim.fn.getqflist()) do
    local place = ''
    if item.bufnr > 0 and api.nvim_buf_is_valid(item.bufnr) then
      local path = require('agor.context').relative(api.nvim_buf_get_name(item.bufnr), row.cwd)
      place = item.lnum > 0 and ('%s:%d:%d: '):format(path, item.lnum, math.max(item.col, 1))
        or path .. ': '
    end
    table.insert(lines, place .. one_line(item.text))
  end
  if #lines == 0 then
    return nil, 'the quickfix list is empty'
  end
  return listed(lines)
end

---@param command string
---@return fun(): agor.Context[]
local function git(command)
  return function()
    return {
      {
        path = '',
        first_line = 0,
        last_line = 0,
        filetype = 'diff',
        text = '',
        command = command,
      },
    }
  end
end

---@type agor.Mention[]
M.list = {
  { word = '#selection', about = 'the last selection', gather = selection },
  { word = '#buffer', about = 'the whole buffer', gather = buffer },
  { word = '#buffers', about = 'all open files', gather = buffers },
  { word = '#diagnostics', about = 'errors and warnings', gather = diagnostics },
  { word = '#quickfix', about = 'the quickfix list', gather = quickfix },
  { word = '#diff', about = 'unstaged changes', gather = git('git diff') },
  { word = '#staged', about = 'staged changes', gather = git('git diff --staged') },
}

---@type table<string, agor.Mention>
local by_word = {}
for _, mention in ipairs(M.list) do
  by_word[mention.word] = mention
end

-- ------------------------------------------------------------------ in a text

---Where such words stand in a line: after white space, and not as the beginning of a longer word.
---@param line string
---@return { word: string, from: integer, to: integer }[] bytes from 0, `to` exclusive
function M.places(line)
  local out, at = {}, 1
  while true do
    local from, to, word = line:find('(#%a+)', at)
    if not from or not to then
      return out
    end
    at = to + 1
    local alone = from == 1 or line:sub(from - 1, from - 1):match('[%s(]')
    local ends = line:sub(at):match('^[.,;:!?)]*%s') or line:sub(at):match('^[.,;:!?)]*$')
    if by_word[word] and alone and ends then
      table.insert(out, { word = word, from = from - 1, to = to })
    end
  end
end

---The word at a column of a line.
---@param line string
---@param col integer from 0
---@return agor.Mention|nil
function M.at(line, col)
  for _, place in ipairs(M.places(line)) do
    if place.from <= col and col < place.to then
      return by_word[place.word]
    end
  end
end

---What a word stands for now, each piece with the word.
---@param mention agor.Mention
---@param row agor.Row
---@return agor.Context[]|nil
---@return string|nil message
function M.gather(mention, row)
  local contexts, why = mention.gather(row)
  for _, context in ipairs(contexts or {}) do
    context.word = mention.word
  end
  return contexts, why and ('%s: %s'):format(mention.word, why)
end

---All that a text's words stand for, each word once.
---@param text string
---@param row agor.Row
---@return agor.Context[]|nil
---@return string|nil message
function M.of(text, row)
  local out, seen = {}, {}
  for line in vim.gsplit(text, '\n', { plain = true }) do
    for _, place in ipairs(M.places(line)) do
      if not seen[place.word] then
        seen[place.word] = true
        local contexts, why = M.gather(by_word[place.word], row)
        if not contexts then
          return nil, why
        end
        vim.list_extend(out, contexts)
      end
    end
  end
  return out
end

return M

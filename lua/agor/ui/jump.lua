--- Where the keys of a transcript lead: to turns and tool calls, to a question, to a file and line.

local api = vim.api

local M = {}

---@param ns integer
---@param forward boolean
local function to_anchor(ns, forward)
  for _ = 1, vim.v.count1 do
    local row = api.nvim_win_get_cursor(0)[1] - 1
    local found
    if forward then
      found = api.nvim_buf_get_extmarks(0, ns, { row + 1, 0 }, -1, { limit = 1 })[1]
    elseif row > 0 then
      found = api.nvim_buf_get_extmarks(0, ns, { row - 1, -1 }, 0, { limit = 1 })[1]
    end
    if not found then
      return
    end
    vim.cmd("normal! m'")
    api.nvim_win_set_cursor(0, { found[2] + 1, 0 })
  end
end

--- The request of the question that the cursor is in.
---@param buf integer
---@return string?
local function question_here(buf)
  local transcript = require('agor.ui.transcript')
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local function last(ns)
    return api.nvim_buf_get_extmarks(buf, ns, { row, -1 }, 0, { limit = 1 })[1]
  end
  local question = last(transcript.ns.question)
  if not question then
    return nil
  end
  for _, ns in ipairs({ transcript.ns.turn, transcript.ns.tool }) do
    local other = last(ns)
    -- Something newer begins between the question and the cursor; a tool's own question stands below its head.
    if other and other[2] > question[2] then
      return nil
    end
  end
  return transcript.request_at(buf, question[1])
end

---@param buf integer
---@param id string
---@param action string
local function fold(buf, id, action)
  require('agor.rpc').notify('fold', {
    buf = buf,
    session_id = id,
    row = api.nvim_win_get_cursor(0)[1] - 1,
    action = action,
  })
end

-- ------------------------------------------------------------------ files

-- What may surround a path in prose, code and tool output.
local OUTSIDE = '[%s"\'`<>|*%[%]{}()]'

---@class agor.Place
---@field path string
---@field line integer?
---@field col integer?

---@param digits string?
---@return integer?
local function whole(digits)
  local number = tonumber(digits)
  return number and math.floor(math.min(number, 0x7fffffff)) or nil
end

---@param token string
---@return agor.Place
local function place(token)
  token = token:gsub('^@', ''):gsub('[.,;:!?]+$', '')
  local shapes = {
    '^(.-):(%d+):(%d+)',
    '^(.-):(%d+)',
    '^(.-)#L(%d+)',
  }
  for _, shape in ipairs(shapes) do
    local path, line, col = token:match(shape)
    if path and path ~= '' then
      return { path = path, line = whole(line), col = whole(col) }
    end
  end
  return { path = token }
end

--- Every reading of the text around a column, the likeliest first: between quotes or backticks (a path may have spaces
--- in it), then the longest run without spaces and brackets, then one with brackets.
---@param line string
---@param col integer from 0
---@return agor.Place[]
function M.places(line, col)
  local out = {}
  for _, quote in ipairs({ '`', '"', "'" }) do
    local from = 1
    while true do
      local first = line:find(quote, from, true)
      local last = first and line:find(quote, first + 1, true)
      if not last then
        break
      end
      if first <= col + 1 and col + 1 <= last then
        local tail = line:sub(last + 1):match('^:%d+:?%d*') or ''
        out[#out + 1] = place(line:sub(first + 1, last - 1) .. tail)
        break
      end
      from = last + 1
    end
  end
  for _, outside in ipairs({ OUTSIDE, '%s' }) do
    local first = col + 1
    if not line:sub(first, first):find(outside) and first <= #line then
      while first > 1 and not line:sub(first - 1, first - 1):find(outside) do
        first = first - 1
      end
      local last = line:find(outside, first) or #line + 1
      out[#out + 1] = place(line:sub(first, last - 1))
    end
  end
  return out
end

---@param path string
---@param cwd string?
---@return string? absolute path of a regular file
local function regular_file(path, cwd)
  -- A scheme would run somebody's BufReadCmd, or a command, as `term://` does.
  if path == '' or path:find('^%a[%w+.-]*://') or path:find('%z') then
    return nil
  end
  if path:sub(1, 2) == '~/' then
    path = vim.uv.os_homedir() .. path:sub(2)
  elseif path:sub(1, 1) ~= '/' then
    path = ('%s/%s'):format(cwd or vim.fn.getcwd(), path)
  end
  local stat = vim.uv.fs_stat(path)
  return stat and stat.type == 'file' and vim.fs.normalize(path, { expand_env = false }) or nil
end

--- Opens a file in the tabpage's last normal window, or in a new one beside the pane.
---@param path string absolute
---@param line integer?
---@param col integer? from 1, in bytes
---@return boolean
function M.open(path, line, col)
  local buf = vim.fn.bufadd(path)
  vim.bo[buf].buflisted = true
  local win = require('agor.ui.neighbour').last()
  local ok, err
  if win then
    api.nvim_win_call(win, function()
      vim.cmd("normal! m'")
    end)
    ok, err = pcall(api.nvim_win_set_buf, win, buf)
  else
    ok, err = pcall(require('agor.ui.neighbour').open, buf)
    win = ok and err or nil
  end
  if not ok or not win then
    require('agor.message').error(('%s cannot be opened: %s'):format(path, err))
    return false
  end
  api.nvim_set_current_win(win)
  if line then
    line = math.max(1, math.min(line, api.nvim_buf_line_count(buf)))
    local text = api.nvim_buf_get_lines(buf, line - 1, line, false)[1] or ''
    col = math.max(0, math.min((col or 1) - 1, #text))
    api.nvim_win_set_cursor(win, { line, col })
    vim.cmd('normal! zv')
  end
  return true
end

---@param session_id string
---@return string? cwd
local function directory(session_id)
  local session = require('agor.mirror').get(session_id)
  return session and session.cwd or nil
end

--- A file that is known by its name; false if there is none.
---@param session_id string
---@param name string absolute, or relative to the session's directory
---@param line integer?
---@return boolean
function M.to_path(session_id, name, line)
  local path = regular_file(name, directory(session_id))
  return path ~= nil and M.open(path, line)
end

--- Whether the cursor is in a tool call's own line.
---@return boolean
function M.on_head()
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local tools = require('agor.ui.transcript').ns.tool
  return #api.nvim_buf_get_extmarks(0, tools, { row, 0 }, { row, -1 }, { limit = 1 }) > 0
end

--- The file at the cursor.
---@param session_id string
---@param opts? { only_here?: boolean } the text under the cursor and no other, and no word where it names none
---@return boolean
function M.to_file(session_id, opts)
  local cwd = directory(session_id)
  local line = api.nvim_get_current_line()
  local col = api.nvim_win_get_cursor(0)[2]
  local places = M.places(line, col)
  local first = places[1]
  -- `]t` leaves the cursor on the mark before a tool's name: the file may be any word of that line.
  local only_here = opts and opts.only_here
  local head = M.on_head()
  if head and not only_here then
    local col_of_word = 0
    for gap, word in line:gmatch('(%s*)(%S+)') do
      col_of_word = col_of_word + #gap
      vim.list_extend(places, M.places(line, col_of_word))
      col_of_word = col_of_word + #word
    end
  end
  for _, found in ipairs(places) do
    -- `a:10` may be the file's own name.
    local whole = found.line and regular_file(('%s:%d'):format(found.path, found.line), cwd)
    if whole then
      return M.open(whole)
    end
    local path = regular_file(found.path, cwd)
    if path then
      return M.open(path, found.line, found.col)
    end
  end
  if only_here then
    return false
  end
  local name = first and first.path or ''
  if head then
    require('agor.message').warn('There is no file in this line')
  elseif name == '' then
    require('agor.message').warn('There is no file name under the cursor')
  else
    require('agor.message').warn(("'%s' is no file in %s"):format(name, cwd or vim.fn.getcwd()))
  end
  return false
end

-- ------------------------------------------------------------------ keys

---@param buf integer
---@param id string
---@return agor.Key[]
function M.keys(buf, id)
  local ns = require('agor.ui.transcript').ns
  local function key(lhs, name, desc, run)
    return { modes = 'n', lhs = lhs, name = name, desc = desc, run = run }
  end
  local function anchor(which, forward)
    return function()
      to_anchor(which, forward)
    end
  end
  local function folding(action)
    return function()
      fold(buf, id, action)
    end
  end
  local function to_file()
    require('agor.ui.look').follow(buf, id)
  end
  return {
    key(']]', 'next-turn', 'next turn', anchor(ns.turn, true)),
    key('[[', 'prev-turn', 'previous turn', anchor(ns.turn, false)),
    key(']t', 'next-tool', 'next tool call', anchor(ns.tool, true)),
    key('[t', 'prev-tool', 'previous tool call', anchor(ns.tool, false)),
    key(']c', 'next-change', 'next change of a diff', anchor(ns.change, true)),
    key('[c', 'prev-change', 'previous change of a diff', anchor(ns.change, false)),
    key('<CR>', 'enter', 'unfold, or go to the question', function()
      local request = question_here(buf)
      if not request or not require('agor.ui.ask').focus_request(id, request) then
        fold(buf, id, 'toggle')
      end
    end),
    key('za', 'fold-toggle', 'unfold or fold', folding('toggle')),
    key('zo', 'fold-open', 'unfold', folding('open')),
    key('zc', 'fold-close', 'fold', folding('close')),
    key('zR', 'fold-open-all', 'unfold everything', folding('open_all')),
    key('zM', 'fold-close-all', 'fold everything', folding('close_all')),
    key('gf', 'goto-file', 'go to the file and line', to_file),
    key('gd', 'goto-definition', 'go to the file and line', to_file),
    key('gy', 'yank', 'yank the code block, message or output', function()
      require('agor.ui.look').take(buf, id)
    end),
    key('K', 'detail', 'all of it, in a float', function()
      require('agor.ui.look').detail(buf, id)
    end),
    key('q', 'hide', 'hide the pane', function()
      require('agor.ui.pane').hide()
    end),
    key('<C-c>', 'interrupt', 'interrupt the agent', function()
      local ok, err = require('agor').interrupt(id)
      if not ok then
        require('agor.message').error(err or 'The turn could not be interrupted')
      end
    end),
    key('gR', 'retry', 'try the last turn again, with a new agent if it hangs', function()
      local ok, err = require('agor').retry(id)
      if not ok then
        require('agor.message').error(err or 'The turn could not be tried again')
      end
    end),
    key('g?', 'help', 'these keys', function()
      require('agor.ui.help').open(buf)
    end),
  }
end

return M

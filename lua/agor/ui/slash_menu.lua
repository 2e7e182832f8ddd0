--- The popup menu of a prompt: the agent's commands and ours after a `/` in the first column, and what may follow some of
--- them. It opens by itself, selects nothing by itself, and typing goes on as if it were not there.

local api = vim.api

local M = {}

---@param buf integer
---@return agor.Row?
local function session(buf)
  return require('agor.mirror').get(vim.b[buf].agor_session)
end

---@class agor.Completion
---@field col integer where the word begins, in bytes from 0
---@field items table[] complete-items

--- Words with what each does, cut to what there is room for beside the longest.
---@param rows { [1]: string, [2]: string }[]
---@param col integer where the menu begins in its window, in cells
---@return table[] complete-items
local function items_of(rows, col)
  local cells = require('agor.ui.cells')
  local longest = 0
  for _, row in ipairs(rows) do
    longest = math.max(longest, cells.width(row[1]))
  end
  local win = api.nvim_win_get_position(0)[2]
  local more = require('agor.ui.icons').get().more
  local room = math.max(vim.o.columns - win - col - longest - 4, 10)
  return vim.tbl_map(function(row)
    local menu = cells.shorten(cells.clean(row[2]), math.min(room, 80), more)
    return { word = row[1], menu = menu, info = '' }
  end, rows)
end

---@param choices table[]
---@param col integer
---@return table[]
local function values(choices, col)
  return items_of(
    vim.tbl_map(function(choice)
      local text = choice.description ~= '' and choice.description or choice.name
      return { choice.id, text or '' }
    end, choices),
    col
  )
end

--- What can stand at the cursor, if anything.
---@param buf integer
---@param line string
---@param col integer of the cursor, in bytes from 0
---@return agor.Completion?
function M.at(buf, line, col)
  local row = session(buf)
  local before = line:sub(1, col)
  if not row then
    return nil
  end
  if before:match('^/[%w_:.-]*$') then
    local rows = vim.tbl_map(function(command)
      return { '/' .. command.name, command.description }
    end, require('agor.slash').commands(row))
    return { col = 0, items = items_of(rows, 0) }
  end
  local name, value = before:match('^/(%a+)%s+(%S*)$')
  local command = name and require('agor.slash').find(row, name)
  if command and command.values then
    local col = #before - #value
    return { col = col, items = values(row.capabilities[command.values] or {}, col) }
  end
  local word = before:match('^!.*%s(%S*)$') or before:match('^!(%S*)$')
  if word then
    local kind = before:sub(1, #before - #word):match('^!%s*$') and 'shellcmd' or 'file'
    local found = vim.fn.getcompletion(word, kind)
    return {
      col = #before - #word,
      items = vim.tbl_map(function(word)
        return { word = word }
      end, vim.list_slice(found, 1, 200)),
    }
  end
end

---@param items table[]
---@param lead string
---@return table[]
local function matching(items, lead)
  return vim.tbl_filter(function(one)
    return vim.startswith(one.word, lead)
  end, items)
end

--- 'omnifunc' of prompts.
---@param findstart integer
---@param base string
---@return integer|table[]
function M.omnifunc(findstart, base)
  local found =
    M.at(api.nvim_get_current_buf(), api.nvim_get_current_line(), api.nvim_win_get_cursor(0)[2])
  if findstart == 1 then
    return found and found.col or -3
  end
  -- Neovim has taken the word away by now: what stands before it says the rest.
  if base ~= '' then
    local line = api.nvim_get_current_line():sub(1, api.nvim_win_get_cursor(0)[2]) .. base
    found = M.at(api.nvim_get_current_buf(), line, #line)
  end
  return found and matching(found.items, base) or {}
end

-- More lines than that would hide what the agent has just said.
local HIGHEST = 12

--- The line when the user has closed the menu or chosen from it: for more of the same word it is not opened again.
---@type table<integer, { col: integer, line: string }>
local settled = {}

---@param buf integer
---@param found agor.Completion
---@param items table[]
local function open(buf, found, items)
  -- 'pumheight' is global: it is ours only while the menu is open.
  local before = vim.o.pumheight
  if before == 0 or before > HIGHEST then
    vim.o.pumheight = HIGHEST
  end
  api.nvim_create_autocmd('CompleteDone', {
    group = api.nvim_create_augroup('agor_menu', { clear = true }),
    once = true,
    callback = function()
      vim.o.pumheight = before
      -- "discard" is what typing on does.
      local reason = vim.v.event.reason
      if reason == 'accept' or reason == 'cancel' then
        settled[buf] = { col = found.col, line = api.nvim_get_current_line() }
      end
    end,
  })
  vim.fn.complete(found.col + 1, items)
end

--- After a key in insert mode: opens the menu if a command is being typed on the draft's first line of words.
---@param buf integer
---@param first integer the first row of the words, from 1
function M.update(buf, first)
  if
    api.nvim_get_mode().mode ~= 'i'
    or vim.fn.pumvisible() == 1
    or api.nvim_get_current_buf() ~= buf
  then
    return
  end
  local cursor = api.nvim_win_get_cursor(0)
  local line = api.nvim_get_current_line()
  if line == '' or line == '/' then
    settled[buf] = nil
  end
  if cursor[1] ~= first or cursor[2] ~= #line or line:sub(1, 1) ~= '/' then
    return
  end
  local found = M.at(buf, line, #line)
  local done = settled[buf]
  if not found or done and done.col == found.col and vim.startswith(line, done.line) then
    return
  end
  local lead = line:sub(found.col + 1)
  local items = matching(found.items, lead)
  -- What is typed whole needs no menu.
  if #items > 0 and not (#items == 1 and items[1].word == lead) then
    open(buf, found, items)
  end
end

--- Makes a prompt's buffer complete by `<C-x><C-o>` too.
---@param buf integer
function M.prepare(buf)
  vim.bo[buf].omnifunc = "v:lua.require'agor.ui.slash_menu'.omnifunc"
  vim.bo[buf].completeopt = 'menu,menuone,noselect'
end

return M

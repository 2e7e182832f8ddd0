--- The float behind `g?`: what each key does in this buffer, as it is mapped now.

local M = {}

local ns = vim.api.nvim_create_namespace('agor_help')

--- As people write it: `<C-f>`, where Neovim says `<C-F>`.
---@param key string
---@return string
local function written(key)
  return (
    key:gsub('<([CM])%-(%u)>', function(modifier, letter)
      return ('<%s-%s>'):format(modifier, letter:lower())
    end)
  )
end

--- Once what the same keys do in insert mode too.
---@param rows { keys: string[], desc: string, mode: string }[]
---@return { keys: string[], desc: string, mode: string }[]
function M.merged(rows)
  local normal = {} ---@type table<string, string[]>
  for _, row in ipairs(rows) do
    if row.mode == 'n' then
      normal[row.desc] = vim.list_extend(normal[row.desc] or {}, row.keys)
    end
  end
  local out = {}
  for _, row in ipairs(rows) do
    local also = row.mode == 'i' and normal[row.desc] ~= nil
    for _, key in ipairs(row.keys) do
      also = also and vim.list_contains(normal[row.desc], key)
    end
    if not also then
      local keys = vim.tbl_map(written, row.keys)
      table.insert(out, { keys = keys, desc = row.desc, mode = row.mode })
    end
  end
  return out
end

---@param buf integer
---@return integer win
function M.open(buf)
  local rows = require('agor.ui.keys').describe(buf)
  local lines, texts, width = {}, {}, 0
  rows = M.merged(rows)
  ---@type table<integer, integer>
  local marks = {}
  for _, row in ipairs(rows) do
    local keys = table.concat(row.keys, ' ')
    if row.mode == 'i' then
      keys = keys .. ' (insert)'
    end
    texts[#texts + 1] = keys
    width = math.max(width, require('agor.ui.cells').width(keys))
  end
  for i, row in ipairs(rows) do
    local pad = (' '):rep(width - require('agor.ui.cells').width(texts[i]))
    lines[i] = (' %s%s  %s '):format(texts[i], pad, row.desc)
    marks[i] = #texts[i]
  end
  if #lines == 0 then
    lines = { ' No keys are set here. ' }
  end
  local widest = 0
  for _, line in ipairs(lines) do
    widest = math.max(widest, require('agor.ui.cells').width(line))
  end
  local float = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(float, 0, -1, false, lines)
  for row, len in pairs(marks) do
    local mark = { end_col = 1 + len, hl_group = 'AgorKey' }
    vim.api.nvim_buf_set_extmark(float, ns, row - 1, 1, mark)
  end
  vim.bo[float].modifiable = false
  vim.bo[float].bufhidden = 'wipe'
  local middle = require('agor.ui.geometry').middle
  local config = middle(widest, #lines)
  config.style, config.title, config.title_pos, config.zindex = 'minimal', ' Keys ', 'center', 60
  local win = vim.api.nvim_open_win(float, true, config)
  local wo = vim.wo[win][0]
  -- What is too long goes on below itself.
  wo.wrap, wo.linebreak, wo.breakindent = true, true, true
  wo.breakindentopt = ('shift:%d'):format(width + 2)
  wo.winhighlight = require('agor.ui.options').FLOAT
  local all = vim.api.nvim_win_text_height(win, {}).all
  if all > config.height then
    vim.api.nvim_win_set_config(win, middle(widest, all))
  end
  local function close()
    if vim.api.nvim_win_is_valid(win) then
      vim.api.nvim_win_close(win, true)
    end
  end
  for _, lhs in ipairs({ 'q', '<Esc>', 'g?' }) do
    vim.keymap.set('n', lhs, close, { buffer = float, nowait = true })
  end
  vim.api.nvim_create_autocmd('WinLeave', { buffer = float, once = true, callback = close })
  return win
end

return M

--- The names of everything that we colour, as links to groups that every colour scheme has.
---
--- Knows nothing of buffers and windows. A user's own `:highlight` of a group always wins.

local M = {}

---@type table<string, string>
M.links = {
  -- Transcript; the backend's renderer names these.
  AgorUser = 'Title',
  AgorUserMark = 'Special',
  AgorThinking = 'Comment',
  AgorTool = 'Normal',
  AgorToolName = 'Function',
  AgorToolRunning = 'DiagnosticInfo',
  AgorToolDone = 'DiagnosticOk',
  AgorToolFailed = 'DiagnosticError',
  AgorOutput = 'Comment',
  AgorError = 'DiagnosticError',
  AgorWarning = 'DiagnosticWarn',
  AgorCost = 'NonText',
  AgorDim = 'Comment',
  AgorHeading = 'Title',
  AgorCode = 'String',
  AgorCodeFence = 'NonText',
  AgorBold = '@markup.strong',
  AgorItalic = '@markup.italic',
  AgorLink = 'Underlined',
  AgorQuote = 'Comment',
  AgorListMarker = 'Special',
  AgorDiffAdd = 'Added',
  AgorDiffDelete = 'Removed',
  AgorDiffHunk = 'NonText',
  AgorPath = 'Directory',
  AgorPlanDone = 'Comment',
  AgorPlanActive = 'DiagnosticInfo',
  AgorPlanPending = 'Normal',
  AgorQuestion = 'DiagnosticWarn',
  AgorTitle = 'Title',
  AgorStatusRunning = 'DiagnosticInfo',
  AgorStatusIdle = 'DiagnosticHint',
  AgorStatusDone = 'DiagnosticOk',
  AgorStatusError = 'DiagnosticError',
  AgorDanger = 'DiagnosticError',
  -- Our own windows.
  AgorBar = 'Normal',
  AgorRule = 'NonText',
  AgorAttachment = 'Directory',
  AgorHint = 'NonText',
  AgorFloat = 'NormalFloat',
  AgorBorder = 'FloatBorder',
  AgorFloatTitle = 'FloatTitle',
  AgorKey = 'Special',
  AgorSelected = 'Visual',
}

-- On the border of a float: the colour of one group on the background of the float.
---@type table<string, string>
M.on_float = {
  AgorBorderAsk = 'DiagnosticWarn',
  AgorTitleAsk = 'DiagnosticWarn',
  AgorFloatHint = 'Comment',
}

local function define()
  local float = vim.api.nvim_get_hl(0, { name = 'NormalFloat', link = false })
  for name, source in pairs(M.on_float) do
    local from = vim.api.nvim_get_hl(0, { name = source, link = false })
    vim.api.nvim_set_hl(0, name, {
      fg = from.fg,
      ctermfg = from.ctermfg,
      bg = float.bg,
      ctermbg = float.ctermbg,
      default = true,
    })
  end
  for name, target in pairs(M.links) do
    vim.api.nvim_set_hl(0, name, { link = target, default = true })
  end
end

--- Defines the groups, now and after each `:colorscheme`. Cheap to call again.
function M.setup()
  define()
  vim.api.nvim_create_autocmd('ColorScheme', {
    group = vim.api.nvim_create_augroup('agor_highlight', { clear = true }),
    callback = define,
  })
end

return M

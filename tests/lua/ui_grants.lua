--- What is allowed for longer than once, in its float.

local child = require('support.child')
local test, equal, contains = child.test, child.equal, child.contains

local T = {}

T['what holds is listed, and d takes the one under the cursor back'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1', { cwd = '/p/one', provider = 'codex' })
    Rows = {
      { id = 'g1', scope = 'session', words = 'commands `ls …`', at = 0, session_id = 's1', project = '/p' },
      { id = 'g2', scope = 'project', words = 'changes of src/a.rs', at = 0, project = '/p' },
    }
    T.results_of.grants = function() return Rows end
    T.results_of.revoke = function() Rows = { Rows[1] } return true end
    require('agor.grants').grants()
  ]])
  nvim:settle()
  local screen = nvim:screen()
  contains(screen, 'codex in /p')
  contains(screen, 'commands `ls …`')
  contains(screen, 'changes of src/a.rs')
  nvim:type('jd')
  equal(nvim:get('T.notified[2]'), { 'revoke', { id = 'g2', cwd = '/p/one' } })
  nvim:settle()
  equal(nvim:get('vim.api.nvim_buf_line_count(0)'), 1)
  nvim:lua('T.results_of.revoke = function() Rows = {} return true end')
  nvim:type('d')
  nvim:settle()
  equal(
    nvim:get('T.messages[#T.messages][2]'),
    'nothing is allowed or refused for longer than once here'
  )
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
end)

T['where there is little room, what is allowed is seen and the rest is left out'] = test(
  nil,
  function(nvim)
    nvim:lua([[
    Rows = {
      { id = 'g1', scope = 'project', words = 'changes of src/a.rs', at = 0, project = '/p' },
      { id = 'g2', scope = 'turn', words = ('commands `%s …`'):format(('x'):rep(60)), at = 0, project = '/p' },
    }
    Lines = function(width) return (require('agor.ui.grants').lines(Rows, width)) end
  ]])
    local wide = nvim:get('Lines(120)')
    equal(wide[1]:match('^ yes changes of src/a%.rs +always     /p  %d+%-') ~= nil, true)
    -- Where a rule stands is cut before it is left out.
    nvim:lua(
      [[Rule = { words = 'read', scope = 'rule', origin = 'policy.allow.12 in your configuration' }]]
    )
    local rule = nvim:get([[(require('agor.ui.grants').lines({ Rule }, 46))]])
    equal(rule, { ' yes read  rule  policy.allow.12 in your con…' })
    equal(nvim:get('Lines(40)'), {
      ' yes changes of src/a.rs      always',
      ' yes commands `xxxxxxxxxxxx…  this turn',
    })
  end
)

T['what was decided is told apart by its colour, and nothing of it is cut'] = test(
  nil,
  function(nvim)
    nvim:lua([[
    T.results_of.audit = function()
      local file = vim.fn.tempname()
      vim.fn.writefile({
        'Decisions', '',
        '2026-01-02 03:04:05  denied     rule   claude in p  Bash: echo allowed ' .. ('x'):rep(300),
        '    refused by a rule that is called denied',
        '2026-01-02 03:04:06  allowed    you    claude in p  Bash: ls',
      }, file)
      return { text_file = file }
    end
    require('agor.grants').audit()
    function Group(row, text)
      local col = vim.fn.getline(row):find(text, 1, true)
      return vim.fn.synIDattr(vim.fn.synID(row, col, 1), 'name')
    end
  ]])
    nvim:settle()
    equal(nvim:get('vim.fn.line(".")'), 5)
    equal(nvim:get('Group(3, "denied")'), 'AgorError')
    equal(nvim:get('Group(5, "allowed")'), 'AgorToolDone')
    -- Words of an agent are in no colour of ours.
    equal(nvim:get('Group(3, "allowed")'), '')
    equal(nvim:get('Group(4, "denied")'), 'AgorDim')
    equal(nvim:get('vim.wo.wrap'), true)
  end
)

T['the float goes when it is left, and by q'] = test(nil, function(nvim)
  nvim:lua([[
    T.results_of.grants = function()
      return { { id = 'g1', scope = 'project', words = 'reading a.rs', at = 0, project = '/p' } }
    end
    require('agor.grants').grants()
  ]])
  nvim:settle()
  contains(nvim:screen(), 'd take back')
  nvim:type('q')
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
  nvim:lua("require('agor.grants').grants()")
  nvim:settle()
  equal(nvim:get('vim.bo.filetype'), 'agor-grants')
  nvim:lua('vim.cmd.wincmd("p")')
  nvim:settle()
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
end)

T['a list that cannot be read is a row of its own, and its sentence is told'] = test(
  nil,
  function(nvim)
    nvim:lua([[
    T.results_of.grants = function()
      return {
        { scope = 'project', words = 'all is asked', unread = '/x cannot be read: no', project = '/p' },
        { id = 'g1', scope = 'everywhere', words = 'commands `ls …`', at = 0, project = '/p' },
      }
    end
    local message = require('agor.message')
    local warn = message.warn
    message.warn = function(text)
      T.over = require('agor.ui.grants').is_open()
      warn(text)
    end
    require('agor.grants').grants()
  ]])
    nvim:settle()
    local lines = nvim:get('vim.api.nvim_buf_get_lines(0, 0, -1, true)')
    equal(#lines, 2)
    contains(lines[1], 'ask all is asked')
    contains(lines[2], 'yes commands `ls …`')
    equal(nvim:get('T.messages'), { { 'warn', '/x cannot be read: no' } })
    equal(nvim:get('T.over'), true, 'a float that opens later would wipe it away')
    -- It cannot be taken back either.
    nvim:type('ggd')
    nvim:settle()
    equal(nvim:get('T.messages[2]'), { 'info', '/x cannot be read: no' })
    equal(nvim:get('T.told("revoke")'), {})
  end
)

T['rules of the configuration stand below, and are changed where they are'] = test(
  nil,
  function(nvim)
    nvim:lua([[
    local check = require('agor.policy').check
    T.config.policy = check({ deny = { 'command(rm *)' }, ask = { 'edit(*.lock)' }, allow = { 'read' } })
    T.config.providers = { codex = { policy = (check({ deny = { 'command(git push)', 7 } })) } }
    T.results_of.grants = function()
      return { { id = 'g1', scope = 'everywhere', refuses = true, words = 'commands `ls …`', at = 0, project = '/p' } }
    end
    require('agor.grants').grants()
  ]])
    nvim:settle()
    local lines = nvim:get('vim.api.nvim_buf_get_lines(0, 0, -1, true)')
    local function row(n, ...)
      for _, part in ipairs({ ... }) do
        contains(lines[n], part)
      end
    end
    equal(#lines, 6)
    row(1, 'no  commands `ls …`', 'everywhere', 'all projects')
    row(2, 'ask everything is asked', 'providers.codex.policy.deny.2 in your configuration')
    row(3, 'no  command(rm *)', 'policy.deny.1 in your configuration')
    row(4, 'no  command(git push)', 'providers.codex.policy.deny.1')
    row(5, 'ask edit(*.lock)')
    row(6, 'yes read')
    nvim:type('Gd')
    equal(
      nvim:get('T.messages[#T.messages][2]'),
      'this rule is changed where it stands: policy.allow.1 in your configuration'
    )
  end
)

return T

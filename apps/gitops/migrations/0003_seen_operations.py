from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gitops', '0002_commits_and_around'),
    ]

    operations = [
        migrations.CreateModel(
            name='SeenOperation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('instance', models.CharField(max_length=100)),
                ('namespace', models.CharField(max_length=253)),
                ('name', models.CharField(max_length=253)),
                ('request_id', models.CharField(max_length=100)),
                ('phase', models.CharField(help_text='as it was seen last', max_length=50)),
                ('started_at', models.DateTimeField(help_text="by Argo CD's clock; none while it was only accepted", null=True)),
                ('seen_at', models.DateTimeField(help_text="when it was first seen, by the database's clock")),
            ],
            options={
                'indexes': [models.Index(fields=['request_id'], name='seen_operation_request'), models.Index(fields=['seen_at'], name='seen_operation_seen')],
                'constraints': [models.UniqueConstraint(fields=('instance', 'namespace', 'name', 'request_id'), name='seen_operation_identity')],
            },
        ),
    ]
